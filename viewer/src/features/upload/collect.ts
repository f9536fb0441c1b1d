/** A file chosen or dropped, with its path inside what was chosen. */
export interface Candidate {
  path: string;
  file: File;
}

/** What the disc did not give: a file, or a folder of which more might have come. */
export interface Unread {
  path: string;
  unread: true;
}

export type Found = Candidate | Unread;

async function* entriesOf(directory: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = directory.createReader();
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    yield* batch;
  }
}

async function* walk(entry: FileSystemEntry): AsyncGenerator<Found> {
  const path = entry.fullPath.replace(/^\//, '');
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      yield { path, file };
    } else if (entry.isDirectory) {
      for await (const child of entriesOf(entry as FileSystemDirectoryEntry)) yield* walk(child);
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    yield { path, unread: true };
  }
}

/** Everything under a drop, folders included. Must be called while the drop event is being handled. */
export function droppedFiles(transfer: DataTransfer): AsyncGenerator<Found> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (async function* () {
    for (const entry of entries) yield* walk(entry);
  })();
}

/** Files of an <input type="file">, with `webkitdirectory` or without. */
export async function* chosenFiles(list: FileList): AsyncGenerator<Found> {
  for (const file of list) yield { path: file.webkitRelativePath || file.name, file };
}

export type Kind = 'dicom' | 'dicomdir' | 'other';

const mediaStorageDirectory = '1.2.840.10008.1.3.10';

/**
 * Looks at the first bytes: Part 10 preamble (PS3.10 7.1), or a bare data set that starts with a low even group as old
 * discs have. A DICOMDIR is told by its name or its SOP class. @throws DOMException when the disc does not give the file
 */
export async function kindOf(candidate: Candidate): Promise<Kind> {
  const head = new Uint8Array(await candidate.file.slice(0, 512).arrayBuffer());
  const name = candidate.path.split('/').pop()!.toUpperCase();
  const text = new TextDecoder('latin1').decode(head);
  if (text.slice(128, 132) === 'DICM') {
    return name === 'DICOMDIR' || text.includes(mediaStorageDirectory) ? 'dicomdir' : 'dicom';
  }
  const group = head[0]! | (head[1]! << 8);
  const bare = head.length > 16 && (group === 0x0008 || group === 0x0002) && head[3] === 0;
  return bare ? 'dicom' : 'other';
}
