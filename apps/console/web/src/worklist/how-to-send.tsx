/** The empty worklist: how a study gets here. */
export function HowToSend() {
  const url = `${location.origin}/dicom-web/studies`;
  return (
    <section className="empty">
      <h2>Nothing to read</h2>
      <p>
        The worklist fills by itself as studies arrive over DICOMweb (STOW-RS). Send a folder of DICOM files from a
        terminal, one request a file:
      </p>
      <pre>
        <code>{sendCommand(url)}</code>
      </pre>
      <p>
        Any STOW-RS client works: the address is <code>{url}</code>. For a modality or PACS that speaks DIMSE only,
        receive with dcmtk and send on what arrives:
      </p>
      <pre>
        <code>{`storescp --output-directory incoming 11112`}</code>
      </pre>
    </section>
  );
}

function sendCommand(url: string): string {
  return [
    `for f in *.dcm; do`,
    `  { printf -- '--x\\r\\nContent-Type: application/dicom\\r\\n\\r\\n'; cat "$f"; printf '\\r\\n--x--\\r\\n'; } |`,
    `  curl --fail --data-binary @- -H 'Accept: application/dicom+json' \\`,
    `    -H 'Content-Type: multipart/related; type="application/dicom"; boundary=x' \\`,
    `    ${url}`,
    `done`,
  ].join('\n');
}
