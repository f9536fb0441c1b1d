import { deskMessages as words } from '../../../shared/messages.desk.en.ts';
import type { Desk } from '../use-desk.ts';
import { protocolTable } from '../viewport/hanging.ts';
import { keyOf } from '../viewport/keys.ts';
import { linkNames } from '../viewport/linking.ts';
import { Menu, MenuItems } from './menu.tsx';

/** What panes do together, and how studies are laid out. */
export function CompareMenu(props: { desk: Desk; onEdit: () => void }) {
  const { desk } = props;
  const { linking } = desk;
  return (
    <Menu label={words.compare} pressed={linking.links.size > 0}>
      <MenuItems
        items={[
          ...linkNames.map((link) => ({
            label: words.links[link],
            pressed: linking.links.has(link),
            hint: keyOf('link'),
            onClick: () => linking.toggle(link),
          })),
          { label: words.lines, pressed: linking.lines, hint: keyOf('lines'), onClick: () => linking.toggleLines() },
        ]}
      />
      <MenuItems
        title={words.hang}
        items={[
          ...protocolTable().map((protocol) => ({ label: protocol.name, onClick: () => desk.hang(protocol) })),
          { label: words.editProtocols, onClick: props.onEdit },
        ]}
      />
    </Menu>
  );
}
