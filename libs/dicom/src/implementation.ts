/** Names this implementation in the File Meta of what it writes (PS3.7 D.3.3.2): `uidFromHash('isocenter implementation class')`. */
export const implementationClassUid = '2.25.24587493962573665800037968701352271578';
export const implementationVersionName = 'ISOCENTER_0_1';
