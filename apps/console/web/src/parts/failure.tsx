/** Why what somebody asked for was not done; nothing where it was. */
export function Failure({ error }: { error: Error | undefined }) {
  if (error === undefined) return null;
  return (
    <p className="bad" role="alert">
      {error.message}
    </p>
  );
}
