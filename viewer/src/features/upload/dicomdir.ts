import type { DataSet } from 'dicom-parser';

/**
 * Paths (with `/`, upper case) of the files a DICOMDIR refers to: Referenced File ID (0004,1500) of every directory record
 * (PS3.3 F.3). @throws Error when the file cannot be read as a DICOMDIR
 */
export async function referencedFiles(file: File): Promise<string[]> {
  const { parseDicom } = await import('dicom-parser');
  const dataSet = parseDicom(new Uint8Array(await file.arrayBuffer()));
  const records = dataSet.elements['x00041220']?.items ?? [];
  const paths: string[] = [];
  for (const record of records) {
    const path = (record.dataSet as DataSet | undefined)?.string('x00041500');
    if (path)
      paths.push(
        path
          .split('\\')
          .map((part) => part.trim())
          .join('/')
          .toUpperCase(),
      );
  }
  return paths;
}
