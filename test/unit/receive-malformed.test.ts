import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { malformedFiles, sharedSet } from '../support/files.ts';
import { feed, outcome, type Receiving, receiving } from '../support/receiving.ts';

const rewritten =
  'the file meta information was missing or not well-formed and was written anew; the data set is as received';
const relabelled = 'the announced transfer syntax did not fit the encoding; the recorded one does';

/** What becomes of each broken, odd or hostile file: an error code, or the notes with which it is kept. */
const decisions: Record<string, string | string[]> = {
  'SC_rgb_jpeg.dcm': 'DATASET_UNREADABLE', // Implicit VR under a JPEG transfer syntax
  'dcmjs__invalid-vr-length-test.dcm': [],
  'dcmjs__no-meta-length-test.dcm': [rewritten],
  'fo-dicom__CR-MONO1-10-chest': [rewritten],
  'fo-dicom__GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm': [],
  'gen_bitsstored_gt_bitsallocated.dcm': ['Bits Stored 20 is more than Bits Allocated 16'],
  'gen_duplicate_uid_other_pixels.dcm': [],
  'gen_element_length_too_big.dcm': 'DATASET_TRUNCATED',
  'gen_empty_study_series_uid.dcm': 'DATASET_MISSING_UID',
  'gen_hostile_strings.dcm': [],
  'gen_invalid_dates.dcm': ['Study Date is no date'],
  'gen_invalid_study_uid.dcm': 'DATASET_BAD_UID',
  'gen_invalid_vr_ZZ.dcm': ["(0010,0010) Patient's Name has the unknown VR ZZ"],
  'gen_leading_newlines.dcm': ['bytes in front of the file preamble were dropped'],
  'gen_meta_explicit_dataset_implicit.dcm': [relabelled, rewritten],
  'gen_missing_pixeldata.dcm': ['Rows and Columns without pixel data'],
  'gen_nested_sequences_400.dcm': ['elements are not in ascending order of their tags'],
  'gen_numberofframes_2147483647.dcm': ['pixel data is shorter than announced: 32768 of 70368744144896 bytes'],
  'gen_overlong_values.dcm': ['Patient ID is longer than its VR allows', "Patient's Name is longer than its VR allows"],
  'gen_pixeldata_length_4GB.dcm': 'DATASET_TRUNCATED',
  'gen_preamble_only.dcm': 'DATASET_TRUNCATED',
  'gen_random_bytes.dcm': 'NOT_DICOM',
  'gen_rows_cols_65535.dcm': ['pixel data is shorter than announced: 32768 of 8589672450 bytes'],
  'gen_rows_zero.dcm': ['Rows or Columns is 0'],
  'gen_spp3_monochrome2.dcm': [
    'Samples per Pixel 3 with MONOCHROME2',
    'pixel data is shorter than announced: 32768 of 98304 bytes',
  ],
  'gen_sq_undefined_length_no_delimiter.dcm': 'DATASET_TRUNCATED',
  'gen_text_file.dcm': 'NOT_DICOM',
  'gen_trailing_garbage.dcm': ['333 bytes after the pixel data are no readable elements'],
  'gen_truncated_in_fragment.dcm': 'DATASET_TRUNCATED',
  'gen_truncated_in_header.dcm': 'DATASET_TRUNCATED',
  'gen_truncated_in_pixeldata.dcm': 'DATASET_TRUNCATED',
  'gen_unknown_transfer_syntax.dcm': [
    'unknown transfer syntax 1.2.3.4.5.6.7.8.9.10, read as Explicit VR Little Endian',
  ],
  'gen_zero_length.dcm': 'NOT_DICOM',
  'nema__20-wrong-transfer-syntax.dcm': ['pixel data is not compressed, though announced as JPEG-LS Lossless'],
  'nema__54-implicit-file-meta-info.dcm': [rewritten],
  'pydicom-data__OT-PAL-8-face.dcm': [rewritten],
  'pydicom-data__bad_sequence.dcm': 'DATASET_BAD_UID',
  'pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm': 'DATASET_TRUNCATED',
  'pydicom__ExplVR_BigEndNoMeta.dcm': [rewritten],
  'pydicom__ExplVR_LitEndNoMeta.dcm': [rewritten],
  'pydicom__JPEG2000-embedded-sequence-delimiter.dcm': [],
  'pydicom__MR_small_padded.dcm': ['pixel data is longer than announced: 8320 instead of 8192 bytes'],
  'pydicom__MR_truncated.dcm': 'DATASET_TRUNCATED',
  'pydicom__UN_sequence.dcm': 'DATASET_MISSING_UID',
  'pydicom__badVR.dcm': [
    'Number of Frames is no number',
    'pixel data is longer than announced: 6000 instead of 400 bytes',
  ],
  'pydicom__empty_charset_LEI.dcm': 'DATASET_MISSING_UID',
  'pydicom__meta_missing_tsyntax.dcm': 'DATASET_MISSING_UID',
  'pydicom__nested_priv_SQ.dcm': 'DATASET_MISSING_UID',
  'pydicom__no_meta.dcm': 'NOT_DICOM', // a stray byte shifts everything
  'pydicom__no_meta_group_length.dcm': 'DATASET_MISSING_UID',
  'pydicom__priv_SQ.dcm': 'DATASET_UNREADABLE',
  'pydicom__reportsi_with_empty_number_tags.dcm': [],
  'pydicom__rtplan_truncated.dcm': 'DATASET_TRUNCATED',
  'pydicom__rtstruct.dcm': [rewritten],
  'pynetdicom__CTImageStorage_bad_meta.dcm': [],
};

const files = sharedSet() ? malformedFiles() : [];
const baseName = (name: string) => name.slice(name.lastIndexOf('/') + 1);

describe.skipIf(files.length === 0)('broken, odd and hostile files', () => {
  let r: Receiving;
  beforeAll(async () => {
    r = await receiving();
  });
  afterAll(() => r.close());

  it('are all decided upon', () => {
    expect(files.map((f) => baseName(f.name)).sort()).toEqual(Object.keys(decisions).sort());
  });

  it.each(files.map((f) => [baseName(f.name), f.path] as const))('%s as a file', async (name, path) => {
    const decision = decisions[name]!;
    const received = feed(r.receiver.beginFile({ via: 'import' }), readFileSync(path), 7000);
    if (typeof decision === 'string') expect(await outcome(received)).toBe(decision);
    else expect(r.entry(await received).notes).toEqual(decision);
  });

  it.each(files.map((f) => [baseName(f.name), f.path] as const))('%s as a data set', async (name, path) => {
    const bytes = readFileSync(path);
    let offset: number;
    let transferSyntaxUID: string;
    try {
      const header = parseFileHeader(bytes, true)!;
      offset = header.dataSetOffset;
      transferSyntaxUID = header.transferSyntaxUID || '1.2.840.10008.1.2';
    } catch {
      return;
    }
    const decision = decisions[name]!;
    const body = bytes.subarray(offset);
    const received = feed(r.receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID }), body, 1024);
    if (typeof decision === 'string') {
      expect(await outcome(received)).toBe(decision);
    } else {
      const ofTheFile = [rewritten, 'bytes in front of the file preamble were dropped', relabelled];
      const notes = r.entry(await received).notes.filter((n) => n !== relabelled);
      expect(notes).toEqual(decision.filter((n) => !ofTheFile.includes(n)));
    }
  });
});
