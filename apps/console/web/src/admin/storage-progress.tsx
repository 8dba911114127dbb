import { formatBytes } from '../format/format-bytes.js';
import type { Progress, StorageProgress as Report } from '../api/storage-progress.js';

const listedMax = 20;

/** How far moves, restores and the comparing of digests have come. */
export function StorageProgress({ moves, recalls, scrub }: Report) {
  const { open, lastDay } = moves;
  const underWay = moves.moves.filter(
    ({ state }) => state === 'copying' || state === 'verifying' || state === 'waiting',
  );
  const failed = lastDay.failed > 0 ? `, ${lastDay.failed} failed` : '';
  return (
    <>
      <div className="table-scroll">
        <table className="plain">
          <thead>
            <tr>
              <th>What</th>
              <th>Done</th>
              <th>Bytes</th>
              <th>Left</th>
              <th>Details</th>
            </tr>
          </thead>
          <tbody>
            <Row
              what="Moves"
              progress={open}
              details={`${open.series} series open, ${open.copying} under way; ${lastDay.done} moved in the last day${failed}`}
            />
            <Row
              what="Restores"
              progress={recalls.open}
              details={`${recalls.open.packs} packs are being brought back`}
            />
            <Row
              what="Digests compared"
              progress={scrub}
              details={`${scrub.copiesDone} of ${scrub.copies} copies within ${scrub.days} days; ${scrub.damaged.length} damaged`}
              isBad={scrub.damaged.length > 0}
            />
            {scrub.asked !== null && (
              <Row
                what="Digests asked for"
                progress={scrub.asked}
                details={`${scrub.asked.copiesLeft} copies are still to be compared`}
              />
            )}
          </tbody>
        </table>
      </div>
      {underWay.length > 0 && (
        <div className="table-scroll">
          <table className="plain">
            <thead>
              <tr>
                <th>Series</th>
                <th>To</th>
                <th>State</th>
                <th>Done</th>
                <th>Left</th>
                <th>Error</th>
              </tr>
            </thead>
            <tbody>
              {underWay.slice(0, listedMax).map((move) => (
                <tr key={move.seriesInstanceUid}>
                  <td>{move.seriesInstanceUid}</td>
                  <td>{move.tier}</td>
                  <td>{move.state}</td>
                  <td>{move.percent} %</td>
                  <td>{formatBytes(move.bytesLeft)}</td>
                  <td className={move.error === null ? undefined : 'bad'}>{move.error}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row(props: { what: string; progress: Progress; details: string; isBad?: boolean }) {
  const { what, progress, details, isBad = false } = props;
  const isIdle = progress.bytes === 0;
  return (
    <tr>
      <td>{what}</td>
      <td>{isIdle ? 'nothing to do' : `${progress.percent} %`}</td>
      <td>{isIdle ? '' : `${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytes)}`}</td>
      <td>{isIdle ? '' : formatBytes(progress.bytesLeft)}</td>
      <td className={isBad ? 'bad' : undefined}>{details}</td>
    </tr>
  );
}
