import { type FormEvent, useState } from 'react';
import { createWebhook, removeWebhook, retryDelivery, testWebhook, type WebhookOverview } from '../api/triage-admin.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';

/** Who is told of results and escalations, and what did not get there. */
export function WebhooksTable({ overview, onChanged }: { overview: WebhookOverview; onChanged: () => void }) {
  const { webhooks, dead } = overview;
  const { isBusy, error, act } = useAct(onChanged);
  const [draft, setDraft] = useState({ name: '', url: '', events: 'result,escalation' });
  const [secret, setSecret] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    act(() =>
      createWebhook(draft.name, draft.url, draft.events.split(',')).then((made) => {
        setSecret(made);
        setDraft({ ...draft, name: '', url: '' });
      }),
    );
  };
  return (
    <>
      {webhooks.length > 0 && (
        <div className="table-scroll">
          <table className="plain">
            <thead>
              <tr>
                <th>Name</th>
                <th>Address</th>
                <th>Events</th>
                <th>Delivered</th>
                <th>Waiting</th>
                <th>Given up</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {webhooks.map((webhook) => (
                <tr key={webhook.webhookId}>
                  <td>
                    {webhook.name}
                    {!webhook.isEnabled && <span className="faint"> (off)</span>}
                  </td>
                  <td className="wrap-anywhere">{webhook.url}</td>
                  <td>
                    {webhook.events.join(', ')}
                    {webhook.specialties && <span className="second">of {webhook.specialties.join(', ')}</span>}
                  </td>
                  <td>{webhook.deliveries.delivered}</td>
                  <td>{webhook.deliveries.waiting}</td>
                  <td className={webhook.deliveries.dead > 0 ? 'bad' : undefined}>{webhook.deliveries.dead}</td>
                  <td className="nowrap">
                    <button
                      type="button"
                      className="quiet"
                      disabled={isBusy}
                      onClick={() => act(() => testWebhook(webhook.webhookId))}
                    >
                      Test
                    </button>
                    <button
                      type="button"
                      className="quiet"
                      disabled={isBusy}
                      onClick={() => act(() => removeWebhook(webhook.webhookId))}
                    >
                      Remove
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {webhooks.length === 0 && <p className="notice">Nobody is told of results and escalations.</p>}
      {dead.map((delivery) => (
        <p key={delivery.deliveryId} className="notice">
          <span>
            {delivery.event} of {new Date(delivery.createdAt).toLocaleString('sv-SE').slice(0, 16)}, {delivery.attempts}{' '}
            attempts: <span className="bad">{delivery.problem}</span>
          </span>
          <button type="button" disabled={isBusy} onClick={() => act(() => retryDelivery(delivery.deliveryId))}>
            Send again
          </button>
        </p>
      ))}
      {secret !== undefined && (
        <p className="notice" role="status">
          <span>
            The secret that signs its deliveries, shown this once: <code className="wrap-anywhere">{secret}</code>
          </span>
          <button type="button" className="quiet" onClick={() => setSecret(undefined)}>
            I have it
          </button>
        </p>
      )}
      <form className="admin-form" onSubmit={submit}>
        <label>
          Name
          <input required value={draft.name} onChange={(event) => setDraft({ ...draft, name: event.target.value })} />
        </label>
        <label className="grow">
          Address
          <input
            required
            type="url"
            placeholder="https://ris.example.org/hooks/isocenter"
            value={draft.url}
            onChange={(event) => setDraft({ ...draft, url: event.target.value })}
          />
        </label>
        <label>
          Events
          <select value={draft.events} onChange={(event) => setDraft({ ...draft, events: event.target.value })}>
            <option value="result,escalation">results and escalations</option>
            <option value="result">results</option>
            <option value="escalation">escalations</option>
          </select>
        </label>
        <button type="submit" disabled={isBusy}>
          Add
        </button>
      </form>
      <Failure error={error} />
    </>
  );
}
