export type Route =
  | { page: 'worklist' }
  | { page: 'study'; studyInstanceUid: string }
  | { page: 'admin' }
  | { page: 'unknown'; path: string };

/** Which page an address shows. A study's UID must look like one (PS3.5 9.1) before it goes into any other address. */
export function readRoute(path: string): Route {
  if (path === '/' || path === '') return { page: 'worklist' };
  if (/^\/admin\/?$/.test(path)) return { page: 'admin' };
  const study = /^\/studies\/([0-9.]{1,64})\/?$/.exec(path);
  if (study) return { page: 'study', studyInstanceUid: study[1]! };
  return { page: 'unknown', path };
}
