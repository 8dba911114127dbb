import { type DataSource, query } from '#libs/database';

/** One thing that happened to a study. */
export interface TimelineEvent {
  at: string;
  kind: string;
  /** In a sentence. */
  text: string;
  /** Who, where it was somebody: a reader, a worker. */
  actor: string | null;
  detail: Record<string, unknown>;
}

interface Detail {
  model?: string;
  version?: string;
  reason?: string | null;
  from?: string;
  to?: string;
  specialty?: string;
  finding?: string;
  verdict?: string;
  outcome?: string;
  summary?: string;
  evidence?: { isMet: boolean; text: string }[];
}

/** What happened to a study, from its first instance to its reading, oldest first. @returns undefined: no such study */
export async function readTimeline(db: DataSource, studyInstanceUid: string): Promise<TimelineEvent[] | undefined> {
  const rows = await query<{ kind: string; at: Date; actor: string | null; detail: Detail }>(
    db,
    `select v.kind, v.at, v.actor,
            v.detail || coalesce((select jsonb_build_object('outcome', t.outcome, 'summary', t.summary, 'version', t.model_version)
                                    from result t
                                   where v.kind = 'ai-inferred' and t.workitem_uid = v.detail ->> 'workitemUid'), '{}') as detail
       from study_event v where v.study_instance_uid = $1 order by v.at, v.event_key`,
    [studyInstanceUid],
  );
  if (rows.length === 0) {
    const known = await query(db, 'select 1 from study where study_instance_uid = $1', [studyInstanceUid]);
    if (known.length === 0) return undefined;
  }
  return rows.map(({ kind, at, actor, detail }) => ({
    at: at.toISOString(),
    kind,
    text: sentence(kind, actor ?? 'Somebody', detail),
    actor,
    detail: { ...detail },
  }));
}

function sentence(kind: string, actor: string, detail: Detail): string {
  const model = `${detail.model} ${detail.version}`;
  switch (kind) {
    case 'received':
      return 'The first instance arrived.';
    case 'complete': {
      const met = (detail.evidence ?? []).filter(({ isMet }) => isMet).map(({ text }) => text);
      return met.length > 0 ? `Complete: ${met.join(' ')}` : 'Complete.';
    }
    case 'routed':
      return detail.specialty == null ? 'Routed.' : `Routed: ${detail.specialty}.`;
    case 'ai-ordered':
      return `${model} was asked.`;
    case 'ai-started':
      return `${model} began.`;
    case 'ai-inferred':
      return detail.outcome === undefined
        ? `${model} is done.`
        : `${model}: ${detail.outcome}. ${detail.summary ?? ''}`;
    case 'ai-failed':
      return `${model} ended without a result: ${detail.reason ?? 'no reason was given.'}`;
    case 'ai-released':
      return `${model} will be tried again.`;
    case 'priority':
      return `${detail.from} became ${detail.to}: ${detail.reason}`;
    case 'escalated':
      return 'The deadline nears, and it was told.';
    case 'claimed':
      return `${actor} began to read.`;
    case 'released':
      return `${actor} gave it back.`;
    case 'read':
      return `${actor} has read it.`;
    case 'reading-canceled':
      return `The reading was canceled: ${detail.reason ?? 'no reason was given.'}`;
    case 'reviewed':
      return `${actor} ${detail.verdict === 'agree' ? 'agrees' : 'disagrees'} with ${detail.finding ?? 'the result'}.`;
    default:
      return kind;
  }
}
