/** How a video is wrapped in its pixel data (PS3.5 8.2.5 to 8.2.11), told by its first bytes. */
export type VideoContainer = 'mp4' | 'mpeg-ts' | 'mpeg-ps' | 'mpeg2' | 'annex-b' | 'unknown';

/** Enough of a video for {@link videoContainer}. */
export const videoStartBytes = 400;

const transportPacketBytes = 188;

/** @param start the first {@link videoStartBytes} of it, or all there is */
export function videoContainer(start: Buffer): VideoContainer {
  if (start.toString('latin1', 4, 8) === 'ftyp') return 'mp4';
  // A transport stream has 47 at the beginning of each packet; BD-compatible ones have a time stamp of 4 bytes before it.
  for (const [offset, packet] of [
    [0, transportPacketBytes],
    [4, transportPacketBytes + 4],
  ] as const) {
    if (start[offset] === 0x47 && start[offset + packet] === 0x47) return 'mpeg-ts';
  }
  const code = start.length >= 4 ? start.readUInt32BE(0) : 0;
  if (code === 0x000001ba) return 'mpeg-ps';
  if (code === 0x000001b3) return 'mpeg2';
  // Start codes of three or four bytes, and a NAL unit behind them whose forbidden bit is zero.
  if (code === 0x00000001 || (code >>> 8 === 0x000001 && (code & 0x80) === 0)) return 'annex-b';
  return 'unknown';
}
