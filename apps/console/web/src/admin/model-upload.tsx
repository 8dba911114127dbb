import { type FormEvent, useState } from 'react';
import { ApiError } from '../api/api-error.js';
import { activateModel, type UploadedModel, uploadModel } from '../api/models.js';
import { formatBytes } from '../format/format-bytes.js';
import { useAct } from '../parts/use-act.js';

/** A version's folder as a zip archive: sent, checked by the server, and put in force if that is wanted. */
export function ModelUpload({ onChanged }: { onChanged: () => void }) {
  const [archive, setArchive] = useState<File>();
  const [uploaded, setUploaded] = useState<UploadedModel>();
  const { isBusy, error, act } = useAct(onChanged);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUploaded(undefined);
    if (archive) act(() => uploadModel(archive).then(setUploaded));
  };
  return (
    <>
      <form className="admin-form" onSubmit={submit}>
        <label className="grow">
          <span>
            A new model, or a new version: the folder <code>specialty/name/version</code> as a zip archive
          </span>
          <input
            required
            type="file"
            accept=".zip,application/zip"
            onChange={(event) => {
              setArchive(event.target.files?.[0]);
              setUploaded(undefined);
            }}
          />
        </label>
        <button type="submit" disabled={isBusy || archive === undefined}>
          {isBusy ? 'Checking' : 'Upload and check'}
        </button>
      </form>
      <p className="faint">
        Checked before anything is kept: that the archive holds <code>model.json</code>, <code>model.onnx</code> and{' '}
        <code>README.md</code> and nothing that leads out of it; <code>model.json</code> against its{' '}
        <a href="/api/models/schema">schema</a>; that the network has the inputs and outputs it names, no weights in
        other files and no unknown operators; that it opens. It is used once it is activated.
      </p>
      {archive && isBusy && (
        <p role="status">
          {archive.name}, {formatBytes(archive.size)}, is being sent and checked.
        </p>
      )}
      {uploaded && (
        <p className="notice" role="status">
          <span>
            {uploaded.model} {uploaded.version} is in order and kept (SHA-256{' '}
            <code>{uploaded.sha256.slice(0, 10)}</code>
            ). Studies get it once it is activated.
          </span>
          <button
            type="button"
            disabled={isBusy}
            onClick={() =>
              act(() => activateModel(uploaded.model, uploaded.version).then(() => setUploaded(undefined)))
            }
          >
            Activate {uploaded.version}
          </button>
        </p>
      )}
      {error && (
        <div className="notice notice-error" role="alert">
          <div>
            <strong>{error instanceof ApiError ? error.title : 'Not uploaded'}</strong>
            <p className="lines">{error instanceof ApiError ? error.detail : error.message}</p>
          </div>
        </div>
      )}
    </>
  );
}
