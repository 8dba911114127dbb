/** The groups of overlays: 0x6000, 0x6002, up to 0x601E (PS3.5 7.6). */
export const overlayGroups = Array.from({ length: 16 }, (_, i) => 0x6000 + 2 * i);

/** The tag of an overlay's element, as DICOM JSON writes it. */
export const overlayTag = (group: number, element: string): string => `${group.toString(16).toUpperCase()}${element}`;
