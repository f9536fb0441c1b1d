import type { Findings } from '../annotations/use-annotations.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { Desk } from '../use-desk.ts';
import type { ToolName, ViewportController } from '../viewport/controller.ts';
import { gridOf } from '../viewport/layouts.ts';
import { Viewport } from './viewport.tsx';

/** The panes of the layout, or the one that is shown alone. */
export function Panes(props: {
  desk: Desk;
  opened: OpenedStudy[];
  tool: ToolName;
  textShown: boolean;
  findings: Findings[];
  onDrop: (pane: ViewportController, stackId: string) => void;
}) {
  const { desk, opened } = props;
  const { rows, columns } = desk.enlarged ? { rows: 1, columns: 1 } : gridOf(desk.layout);
  const grid = `repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr))`;
  const several = desk.seen.length > 1;
  return (
    <div className="panes" style={{ gridTemplate: grid }}>
      {desk.seen.map((pane, i) => (
        <Viewport
          key={desk.controllers.indexOf(pane)}
          controller={pane}
          study={opened.find(({ model }) => model.studyInstanceUID === pane.stack?.studyInstanceUID)}
          findings={props.findings.find((one) => one.studyInstanceUID === pane.stack?.studyInstanceUID)?.findings}
          place={i + 1}
          places={desk.seen.length}
          active={several && pane === desk.active}
          tool={props.tool}
          textShown={props.textShown}
          onActivate={() => desk.setActive(pane)}
          onDropStack={(id) => props.onDrop(pane, id)}
          onEnlarge={() => desk.enlarge(desk.enlarged ? null : pane)}
          lineFrom={several && desk.linking.lines ? desk.active : undefined}
        />
      ))}
    </div>
  );
}
