import { useState } from 'react';
import { reviewResult } from '../api/reading.js';
import { useSession } from '../api/session.js';
import type { AiResult } from '../api/worklist-item.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';
import { useReader } from '../parts/use-reader.js';

interface ResultReviewProps {
  workitemUid: string;
  result: AiResult;
  onChanged: () => void;
  onOpenSeries: (seriesInstanceUid: string) => void;
}

/** What readers said of a result, and what this one says. */
export function ResultReview({ workitemUid, result, onChanged, onOpenSeries }: ResultReviewProps) {
  const reader = useReader(useSession());
  const { isBusy, error, act } = useAct(onChanged);
  const [comment, setComment] = useState('');
  const [finding, setFinding] = useState('');
  const say = (verdict: 'agree' | 'disagree') =>
    act(() =>
      reviewResult(workitemUid, reader.name, {
        result: result.workitemUid,
        finding: finding === '' ? null : finding,
        verdict,
        comment: comment.trim(),
      }).then(() => setComment('')),
    );
  return (
    <div className="review">
      {result.reviews.map((review, index) => (
        <p key={index} className={`said said-${review.verdict}`}>
          <strong>
            {review.reader} {review.verdict === 'agree' ? 'agrees' : 'disagrees'}
          </strong>
          {review.finding !== null && ` with ${review.finding}`}
          {review.comment !== '' && `: ${review.comment}`}{' '}
          {review.report === null ? (
            <span className="faint">· report on its way</span>
          ) : (
            <button type="button" className="link" onClick={() => onOpenSeries(review.report!.seriesInstanceUid)}>
              report
            </button>
          )}
        </p>
      ))}
      {reader.name !== '' && reader.mayRead && (
        <div className="review-form">
          {result.findings.length > 0 && (
            <select aria-label="What it is about" value={finding} onChange={(event) => setFinding(event.target.value)}>
              <option value="">The result as a whole</option>
              {result.findings.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
          <input
            placeholder="Comment"
            aria-label="Comment on the result"
            maxLength={1000}
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
          <button type="button" disabled={isBusy} onClick={() => say('agree')}>
            Agree
          </button>
          <button type="button" disabled={isBusy} onClick={() => say('disagree')}>
            Disagree
          </button>
        </div>
      )}
      <Failure error={error} />
    </div>
  );
}
