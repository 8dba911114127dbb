import { useEffect } from 'react';
import { followWhileVisible } from '../api/follow-while-visible.js';
import { getStudy, type StudyDetail } from '../api/study.js';
import { type Loaded, useLoaded } from '../api/use-loaded.js';

/** A study and its routing, loaded again whenever the worklist's events say that it changed. */
export function useLiveStudy(studyInstanceUid: string): Loaded<StudyDetail> {
  const study = useLoaded(studyInstanceUid, (signal) => getStudy(studyInstanceUid, signal));
  const { reload } = study;
  useEffect(() => {
    let isFirst = true;
    return followWhileVisible({
      // What was missed while the stream was broken is loaded; the first time nothing was.
      onOpen: () => {
        if (!isFirst) reload();
        isFirst = false;
      },
      onLost: () => undefined,
      onReload: reload,
      onItem: (item) => {
        if (item.studyInstanceUid === studyInstanceUid) reload();
      },
      onError: reload,
    });
  }, [studyInstanceUid, reload]);
  return study;
}
