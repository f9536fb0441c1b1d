import { Orthanc, orthancProgram } from '../../demo/orthanc.ts';

export { Orthanc as TestOrthanc };
export const hasOrthanc = orthancProgram() !== undefined;
