export { useAction, useList } from '../../shared/api/use-list.ts';
