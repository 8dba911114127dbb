export { type Code, dcm } from './code.js';
export {
  code,
  composite,
  container,
  decimalString,
  num,
  outline,
  personName,
  reference,
  type Relationship,
  text,
  times,
  uidref,
} from './content-items.js';
export { codeItem, dataset } from './dataset.js';
export { dateAndTime } from './date-time.js';
export { patientAndStudy } from './patient-and-study.js';
