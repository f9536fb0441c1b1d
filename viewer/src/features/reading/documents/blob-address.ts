import { useEffect, useState } from 'react';

/** An address of bytes inside the page, given back when the view closes; '' until it is there. */
export function useBlobAddress(bytes: Uint8Array | undefined, type: string): string {
  const [address, setAddress] = useState('');
  useEffect(() => {
    if (!bytes) return;
    const made = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
    setAddress(made);
    return () => {
      setAddress('');
      URL.revokeObjectURL(made);
    };
  }, [bytes, type]);
  return address;
}
