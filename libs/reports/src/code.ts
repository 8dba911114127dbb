/** A coded concept (PS3.3 8.8). */
export interface Code {
  value: string;
  scheme: string;
  meaning: string;
}

export const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
