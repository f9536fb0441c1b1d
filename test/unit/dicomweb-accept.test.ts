import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { mediaAsks, parseMediaType } from '../../router/dicomweb/accept.ts';
import { byteRangeOf } from '../../router/dicomweb/byte-range.ts';
import { negotiateFrames } from '../../router/dicomweb/wado-frames.ts';

const JLS = '1.2.840.10008.1.2.4.80';
const ELE = '1.2.840.10008.1.2.1';
const MP4 = '1.2.840.10008.1.2.4.102';

describe('Accept headers as real clients send them', () => {
  it.each([
    ['multipart/related; type="application/octet-stream"; transfer-syntax=*', true, 'application/octet-stream', '*'],
    ['multipart/related; type=application/octet-stream; transfer-syntax=*', true, 'application/octet-stream', '*'],
    ['multipart/related;type=application/dicom;transfer-syntax=1.2.840.10008.1.2.1', true, 'application/dicom', ELE],
    ['Multipart/Related; TYPE="Application/DICOM"', true, 'application/dicom', undefined],
    ['application/dicom+json', false, 'application/dicom+json', undefined],
    ['*/*', true, '*/*', undefined],
    [undefined, true, '*/*', undefined],
  ])('%s', (header, multipart, mediaType, transferSyntax) => {
    const [ask] = mediaAsks(header, undefined);
    expect(ask).toMatchObject({ multipart, mediaType });
    expect(ask!.transferSyntax).toBe(transferSyntax);
  });

  it('orders by q and drops q=0', () => {
    const asks = mediaAsks('image/png;q=0.5, image/gif;q=0, image/jpeg', undefined);
    expect(asks.map((ask) => ask.mediaType)).toEqual(['image/jpeg', 'image/png']);
  });

  it('keeps commas and semicolons inside quotes', () => {
    const media = parseMediaType('multipart/related; boundary="a;b,c\\"d"; type="application/dicom"');
    expect(media!.parameters.get('boundary')).toBe('a;b,c"d');
  });

  it('puts the query parameter before the header', () => {
    expect(mediaAsks('*/*', 'image/png')[0]!.mediaType).toBe('image/png');
  });
});

describe('choosing the form of frames', () => {
  const choose = (header: string | undefined, stored: string) => negotiateFrames(mediaAsks(header, undefined), stored);

  it('gives compressed frames as stored for transfer-syntax=*, and says which', () => {
    const offer = choose('multipart/related; type=application/octet-stream; transfer-syntax=*', JLS);
    expect(offer).toMatchObject({ target: null, multipart: true });
    expect(offer.contentType).toBe(`application/octet-stream; transfer-syntax=${JLS}`);
  });
  it('decodes by default', () => {
    expect(choose('multipart/related; type="application/octet-stream"', JLS).target).toBe(ELE);
    expect(choose(undefined, JLS).target).toBe(ELE);
  });
  it('gives image types as stored or encodes to their default', () => {
    expect(choose('multipart/related; type="image/jls"', JLS)).toMatchObject({ target: null, mediaType: 'image/jls' });
    expect(choose('image/jls', ELE)).toMatchObject({ target: JLS, multipart: false });
  });
  it('takes the second choice when the first cannot be had', () => {
    expect(choose('video/mp4, application/octet-stream;q=0.5', ELE)).toMatchObject({
      mediaType: 'application/octet-stream',
    });
  });
  it('gives video as it is to clients that take anything, and refuses to decode it', () => {
    expect(choose('*/*', MP4)).toMatchObject({ target: null, mediaType: 'video/mp4' });
    expect(() => choose('multipart/related; type="application/octet-stream"', MP4)).toThrow(LifeboatError);
  });
  it('never makes a lossy frame out of a lossless one', () => {
    expect(() => choose('image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50', ELE)).toThrow(/transfer-syntax=\*/);
  });
});

describe('byte ranges', () => {
  it.each([
    ['bytes=0-3', { start: 0, end: 4 }],
    ['bytes=90-', { start: 90, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=0-999', { start: 0, end: 100 }],
    ['bytes=100-', 'outside'],
    ['bytes=-0', 'outside'],
    ['bytes=5-2', null],
    ['bytes=0-1,4-5', null],
    ['items=0-1', null],
  ])('%s', (header, expected) => {
    expect(byteRangeOf(header, undefined, '"e"', 100)).toEqual(expected);
  });
  it('sends all when If-Range names another version', () => {
    expect(byteRangeOf('bytes=0-3', '"old"', '"new"', 100)).toBeNull();
  });
});
