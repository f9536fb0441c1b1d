let request: RequestInit = { credentials: 'omit' };

/** How the bytes of objects are asked for: their addresses carry all the permission there is. */
export function objectRequest(): RequestInit {
  return request;
}

/** For a store that is read without a router: its own sign-in where it has one, and nothing kept by the browser. */
export function setObjectRequest(init: RequestInit): void {
  request = init;
}
