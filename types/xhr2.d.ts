declare module 'xhr2' {
  /** XMLHttpRequest for Node, which dicomweb-client asks for. */
  const XMLHttpRequest: new () => unknown;
  export default XMLHttpRequest;
}
