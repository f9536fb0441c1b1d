/**
 * Which attributes of an instance the manifest carries: what search (PS3.4 C.6, PS3.18 10.6) and display need. Everything else
 * is in the stored full metadata. Runs in the browser too.
 */
import type { DicomJson } from './manifest.ts';

/** Attributes to keep; for sequences what to keep of their items, `true` for all. */
export interface Selection {
  readonly [tag: string]: true | Selection;
}

function tags(list: string): Record<string, true> {
  return Object.fromEntries(
    list
      .trim()
      .split(/\s+/)
      .map((tag) => [tag, true as const]),
  );
}

const code: Selection = tags('00080100 00080102 00080104');
const planePosition: Selection = tags('00200032');
const planeOrientation: Selection = tags('00200037');
const pixelMeasures: Selection = tags('00180050 00180088 00280030');
const voiLut: Selection = tags('00281050 00281051 00281055 00281056 00283010');
const pixelValues: Selection = tags('00281052 00281053 00281054');
const realWorldValue: Selection = {
  ...tags('00283003 00409210 00409211 00409212 00409216 00409224 00409225'),
  '004008EA': code,
};

/** Display Shutter (PS3.3 C.7.6.11). */
const shutter: Selection = tags('00181600 00181602 00181604 00181606 00181608 00181610 00181612 00181620 00181622');

/** Functional groups (PS3.3 C.7.6.16) reduced to what display needs. */
const functionalGroups: Selection = {
  '00209113': planePosition,
  '00209116': planeOrientation,
  '00289110': pixelMeasures,
  '00289132': voiLut,
  '00289145': pixelValues,
  '00409096': realWorldValue,
  '00209111': tags(
    '00209056 00209057 00209128 00209157 00209161 00189074 00189151 00209421 00209450 00209453 00209236',
  ),
  '00209071': { ...tags('00209072'), '00082218': code },
  '00189341': tags('00189342 00189343 00189344'),
  '00189226': tags('00080008 00089007 00089205 00089208 00089209'),
  '00189329': tags('00089007 00089205'),
  '00189751': tags('00089007 00089205'),
  '00189504': tags('00089007 00089205'),
  '00189114': tags('00189082'),
  '00189117': tags('00189075 00189087'),
  '00189118': tags('00209153 00209241'),
  '00189472': shutter,
  '00189401': tags('00189404'),
  '00189443': tags('00181164'),
  '00209310': tags('00209301'),
  '0048021A': { ...tags('0048021E 0048021F'), '00400700': true } as Selection,
  '0062000A': tags('0062000B'),
  '00281402': true,
};

/** The attributes of an instance that a manifest entry carries. */
export const DISPLAY_ATTRIBUTES: Selection = {
  // patient and study (PS3.3 C.7.1, C.7.2)
  ...tags(
    '00080005 00080050 00080020 00080021 00080022 00080023 0008002A 00080030 00080031 00080032 00080033 00080201',
  ),
  ...tags(
    '00080090 00081030 00081048 00081050 00081060 00081070 00100010 00100020 00100021 00100030 00100032 00100040',
  ),
  ...tags(
    '00101000 00101010 00101020 00101030 00102160 00102180 001021B0 00104000 00120062 0020000D 00200010 00080051',
  ),
  ...tags('00400012 00380010 00321060 00081080'),
  '00081032': code,
  '00101002': tags('00100020 00100021'),
  '00400275': { ...tags('00400007 00400009 00401001'), '00321064': code },
  // series and equipment (C.7.3, C.7.5)
  ...tags(
    '00080060 0008103E 0020000E 00200011 00200060 00180015 00181030 00185100 00400244 00400245 00400253 00400254',
  ),
  ...tags('00080068 00080070 00080080 00081010 00081040 00081090 00181000 00181020'),
  '0008103F': code,
  '00081111': tags('00081150 00081155'),
  '00082218': code,
  '00082228': code,
  // instance (C.12.1, C.7.6.1)
  ...tags(
    '00080016 00080018 00080008 00080012 00080013 00200012 00200013 00200020 00204000 00200062 00280301 00280006',
  ),
  ...tags('00282110 00282112 00282114 00180010 00181040 00200100 00201002 00201041 0020930E 00209311'),
  // image plane, frame of reference (C.7.6.2, C.7.4.1)
  ...tags(
    '00200032 00200037 00200052 00201040 00180050 00180088 00280030 00181164 00181114 00182010 00280034 00280A02',
  ),
  ...tags('00280A04 00181110 00181111'),
  // image pixel, palette (C.7.6.3)
  ...tags(
    '00280002 00280004 00280008 00280010 00280011 00280014 00280100 00280101 00280102 00280103 00280106 00280107',
  ),
  ...tags(
    '00280120 00280121 00281101 00281102 00281103 00281104 00281199 00281201 00281202 00281203 00281204 00281221',
  ),
  ...tags('00281222 00281223 00280A10 00287FE0 00080303'),
  // modality LUT, VOI LUT, presentation (C.11)
  ...tags(
    '00281040 00281041 00281050 00281051 00281052 00281053 00281054 00281055 00281056 20500020 00289108 00040E04',
  ),
  '00283000': true,
  '00283010': true,
  '00409096': realWorldValue,
  ...shutter,
  // overlays: sixteen groups are added below (C.9.2)
  // multi-frame and cine (C.7.6.5, C.7.6.6)
  ...tags(
    '00280009 00181063 00181065 00180040 00181066 00181242 00181243 00181244 00082142 00082143 00082144 00186038',
  ),
  ...tags('00189004 00089205 00089206 00089207 00080110 3004000C 3004000E 00540061 00540071 00540081'),
  '52009229': functionalGroups,
  '52009230': functionalGroups,
  '00186011': true,
  '00209222': { ...tags('00209164 00209165 00209167 00209421') },
  '00209221': tags('00209164'),
  // projection radiography and mammography (C.8)
  ...tags(
    '00185101 00200020 00181508 00180060 00181151 00181152 00181150 00181411 00181400 00181405 00540220 00204000',
  ),
  ...tags('00181147 00181149 00181702 00181704 00181706 00181708'),
  // CT, MR
  ...tags(
    '00180020 00180021 00180022 00180023 00180024 00180080 00180081 00180082 00180084 00180086 00180087 00180089',
  ),
  ...tags(
    '00180090 00180091 00181060 00181088 00181090 00181100 00181120 00181210 00181310 00181312 00181314 00189087',
  ),
  // PET and quantification (C.8.9, C.8.4)
  ...tags(
    '00541000 00541001 00541002 00541006 00541100 00541101 00541102 00541103 00541105 00541300 00541321 00541322',
  ),
  ...tags('00181271 00181272 00180031'),
  '00540016': {
    ...tags('00180031 00181071 00181072 00181073 00181074 00181075 00181076 00181077 00181078 00181079'),
    '00540304': code,
    '00540300': code,
  },
  '00540013': tags('00540014 00540015'),
  // whole slide
  ...tags('00480001 00480002 00480006 00480007 00480008'),
  '00480105': true,
  // documents and presentation states shown by name
  ...tags('00420010 00420012 0040A491 0040A493 00700080 00700081 00700084 00700082 00700083'),
  '0040A043': code,
  '00620002': { ...tags('00620004 00620005 00620006 00620008 00620009 0062000D'), '0062000F': code, '00620003': code },
};

const OVERLAY: Selection = tags('0010 0011 0015 0022 0040 0045 0050 0051 0100 0102 1500 3000');

function isOverlay(tag: string): boolean {
  return tag.startsWith('60') && tag.slice(4) in OVERLAY && (Number.parseInt(tag.slice(2, 4), 16) & 1) === 0;
}

/** Copies what `selection` names; sequence items are reduced, element objects are shared with `json`. */
export function selectAttributes(json: DicomJson, selection: Selection): DicomJson {
  const selected: DicomJson = {};
  for (const tag in json) {
    const wanted = selection[tag];
    const element = json[tag]!;
    if (wanted === true) selected[tag] = element;
    else if (wanted !== undefined) {
      const items = (element.Value ?? []) as DicomJson[];
      selected[tag] =
        items.length > 0 ? { vr: element.vr, Value: items.map((item) => selectAttributes(item, wanted)) } : element;
    }
  }
  return selected;
}

/** The part of an instance's attributes that search and display need. */
export function displayAttributes(metadata: DicomJson): DicomJson {
  const selected = selectAttributes(metadata, DISPLAY_ATTRIBUTES);
  for (const tag in metadata) if (tag.startsWith('60') && isOverlay(tag)) selected[tag] = metadata[tag]!;
  return selected;
}
