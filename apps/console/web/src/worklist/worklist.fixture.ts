import type { WorklistItem } from '../api/worklist-item.js';

/** A worklist item for tests, whose UIDs follow from its name. */
export function makeItem(name: string, changes: Partial<WorklistItem> = {}): WorklistItem {
  return {
    workitemUid: `workitem ${name}`,
    studyInstanceUid: name,
    patientName: `${name}^Test`,
    patientId: `ID-${name}`,
    patientBirthDate: null,
    patientSex: null,
    studyDate: null,
    studyTime: null,
    studyDescription: null,
    accessionNumber: null,
    modalities: ['CT'],
    bodyParts: ['CHEST'],
    specialty: 'radiology',
    numberOfSeries: 1,
    numberOfInstances: 1,
    receivedAt: '2026-01-01T00:00:00.000Z',
    deadline: null,
    escalatedAt: null,
    finishedAt: null,
    priority: 'MEDIUM',
    priorityReason: '',
    state: 'SCHEDULED',
    performer: null,
    isSample: false,
    thumbnailUrl: '',
    ai: { state: 'pending', summary: null, results: [] },
    ...changes,
  };
}
