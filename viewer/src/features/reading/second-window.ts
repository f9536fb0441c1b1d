import { useEffect, useMemo, useRef, useState } from 'react';
import { navigate } from '../../shared/navigation.ts';
import { centreOf, planeOf, type Vector } from './study/plane.ts';
import type { Stack } from './study/study-model.ts';
import type { Desk } from './use-desk.ts';
import type { Act, ViewportController } from './viewport/controller.ts';
import type { Placement } from './viewport/view-transform.ts';
import type { WindowChoice } from './viewport/window-choice.ts';

/** What was done to a pane of another window. */
export interface OutsideAct {
  act: Act;
  modality: string;
  /** Scrolling: by how many images, and where in the patient the picture lies. */
  step: number;
  place: { centre: Vector; normal: Vector; frameOfReference: string } | null;
  placement: Placement;
  window: WindowChoice;
  invert: boolean;
}

type Message =
  | { kind: 'studies'; uids: string[] }
  | { kind: 'open'; stackId: string }
  | { kind: 'act'; act: OutsideAct }
  | { kind: 'hello' }
  | { kind: 'bye' };

/** What a pane's act means outside of this window. */
function outsideActOf(act: Act, pane: ViewportController): OutsideAct {
  const plane = pane.picture && planeOf(pane.picture);
  return {
    act,
    modality: pane.stack?.modality ?? '',
    step: pane.index - pane.indexBefore,
    place: plane && { centre: centreOf(plane), normal: plane.normal, frameOfReference: plane.frameOfReference },
    placement: pane.placement,
    window: pane.window,
    invert: pane.invert,
  };
}

interface ScreenDetails {
  currentScreen: object;
  screens: { availLeft: number; availTop: number; availWidth: number; availHeight: number }[];
}

/** Where the other screen is, as features of window.open; without a second screen, or leave to ask, a plain window. */
async function otherScreen(): Promise<string> {
  try {
    const ask = (window as unknown as { getScreenDetails?: () => Promise<ScreenDetails> }).getScreenDetails;
    const details = ask && (await ask.call(window));
    const other = details?.screens.find((screen) => screen !== details.currentScreen);
    if (other)
      return `popup,left=${other.availLeft},top=${other.availTop},width=${other.availWidth},height=${other.availHeight}`;
  } catch (error) {
    console.warn('other screen', error);
  }
  return `popup,width=${Math.round(screen.availWidth * 0.9)},height=${Math.round(screen.availHeight * 0.9)}`;
}

export interface SecondWindow {
  /** This is the second window. */
  second: boolean;
  /** The second window is there. */
  there: boolean;
  open(): void;
  /** Shows a series in the second window's active pane. */
  show(stack: Stack): void;
}

/**
 * A second window under control of the first: it shows the studies of the first, follows it where panes are linked, takes series
 * from it, and closes with it.
 */
export function useSecondWindow(
  desk: Desk,
  uids: readonly string[],
  query: URLSearchParams,
  stacks: Stack[],
): SecondWindow {
  const asked = query.get('window') ?? '';
  const [own] = useState(() => crypto.getRandomValues(new Uint32Array(2)).join(''));
  const second = asked !== '';
  const name = second ? asked : own;
  const [there, setThere] = useState(false);
  const channel = useRef<BroadcastChannel | null>(null);
  const latest = useRef({ uids, stacks, desk });
  latest.current = { uids, stacks, desk };

  useEffect(() => {
    const made = new BroadcastChannel(`lifeboat-desk-${name}`);
    channel.current = made;
    const post = (message: Message) => made.postMessage(message);
    made.onmessage = ({ data }: MessageEvent<Message>) => {
      const now = latest.current;
      if (!second) {
        if (data.kind === 'hello') {
          setThere(true);
          post({ kind: 'studies', uids: [...now.uids] });
        } else if (data.kind === 'bye') setThere(false);
        return;
      }
      if (data.kind === 'bye') window.close();
      else if (data.kind === 'studies') {
        if (data.uids.join() !== now.uids.join())
          navigate(`./viewer?StudyInstanceUIDs=${data.uids.join(',')}&window=${name}`, { replace: true });
      } else if (data.kind === 'act') now.desk.linking.followOutside(data.act);
      else if (data.kind === 'open') {
        const stack = now.stacks.find(({ id }) => id === data.stackId);
        if (stack) now.desk.active.open(stack);
      }
    };
    if (second) post({ kind: 'hello' });
    const leave = () => post({ kind: 'bye' });
    addEventListener('pagehide', leave);
    return () => {
      leave();
      removeEventListener('pagehide', leave);
      made.close();
    };
  }, [name, second]);

  useEffect(() => {
    if (second) return;
    desk.linking.outside = (act, pane) =>
      channel.current?.postMessage({ kind: 'act', act: outsideActOf(act, pane) } satisfies Message);
    return () => {
      desk.linking.outside = null;
    };
  }, [desk.linking, second]);
  // In the same turn as the address of the first: no former patient stays on the second screen.
  const known = uids.join();
  useEffect(() => {
    if (!second)
      channel.current?.postMessage({ kind: 'studies', uids: known.split(',').filter(Boolean) } satisfies Message);
  }, [known, second]);

  return useMemo(
    () => ({
      second,
      there,
      open: () => {
        const address = `./viewer?StudyInstanceUIDs=${latest.current.uids.join(',')}&window=${name}`;
        void otherScreen().then((features) => window.open(address, `lifeboat-${name}`, features));
      },
      show: (stack) => channel.current?.postMessage({ kind: 'open', stackId: stack.id } satisfies Message),
    }),
    [second, there, name],
  );
}
