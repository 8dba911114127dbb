import { ImageError } from '#libs/images';
import { HttpProblem } from '#libs/server';

/** Why there is no picture, as HTTP says it: the instance cannot be shown (406), the request cannot be (400), not now (503). */
export function pictureProblem(error: ImageError): HttpProblem {
  switch (error.code) {
    case 'invalid-option':
      return new HttpProblem(400, 'Bad Request', error.message);
    case 'overloaded':
    case 'closed':
      return new HttpProblem(
        503,
        'Service Unavailable',
        'Too many pictures are being made already.',
        {},
        { 'retry-after': '2' },
      );
    case 'timed-out':
    case 'out-of-memory':
    case 'crashed':
      return new HttpProblem(500, 'Rendering Failed', 'The picture could not be made; the log has the details.');
    default:
      return new HttpProblem(406, 'Not Acceptable', `This instance cannot be shown as a picture. ${error.message}`, {
        code: error.code,
      });
  }
}
