import { joinOrders, type ModelOrder } from './evaluate-rules.js';

/** A row of `model`, as the inference workers register them. */
export interface RegisteredModel {
  modelId: string;
  version: string;
  specialty: string;
  sha256: string;
  isCurrent: boolean;
}

/** An order with the model it stands for; undefined: no worker has registered it (yet). */
export interface ResolvedOrder {
  order: ModelOrder;
  model: RegisteredModel | undefined;
}

/** Finds the registered model of each order. Two orders for the same bytes (`current` and its version) become one. */
export function resolveModels(orders: readonly ModelOrder[], registered: readonly RegisteredModel[]): ResolvedOrder[] {
  const resolved: ResolvedOrder[] = [];
  for (const order of orders) {
    const model = registered.find(
      ({ modelId, version, isCurrent }) =>
        modelId === order.model && (order.version === 'current' ? isCurrent : version === order.version),
    );
    const same =
      model && resolved.find((other) => other.model?.sha256 === model.sha256 && other.model.modelId === model.modelId);
    if (same === undefined) resolved.push({ order: { ...order }, model });
    else joinOrders(same.order, order);
  }
  return resolved;
}
