package io.sluice.mesh;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One address behind a service port.
 *
 * @param address resolved address and target port
 * @param ready whether new connections may go there
 * @param warmUpOrNull how it warms up once it is ready; null where it gets its share at once
 */
public record Endpoint(InetSocketAddress address, boolean ready, @Nullable WarmUp warmUpOrNull) {
  /** One that gets its share at once. */
  public Endpoint(InetSocketAddress address, boolean ready) {
    this(address, ready, null);
  }
}
