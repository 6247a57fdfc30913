package io.sluice.interception;

import io.sluice.interception.maps.CounterKey;

/**
 * How often the hooks gave a verdict since the node booted.
 *
 * @param key what was counted
 * @param count flows
 */
public record VerdictCount(CounterKey key, long count) {}
