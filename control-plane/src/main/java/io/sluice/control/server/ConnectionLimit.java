package io.sluice.control.server;

import io.grpc.Attributes;
import io.grpc.ServerTransportFilter;
import io.sluice.control.metrics.ControllerMetrics;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the number of connections. One too many is closed as soon as HTTP/2 is set up, which a
 * time limit bounds as well.
 */
final class ConnectionLimit extends ServerTransportFilter {
  private static final Attributes.Key<Boolean> COUNTED = Attributes.Key.create("sluice-counted");

  private final Semaphore places;
  private final ControllerMetrics metrics;

  ConnectionLimit(int most, ControllerMetrics metrics) {
    this.places = new Semaphore(most);
    this.metrics = metrics;
  }

  @Override
  public Attributes transportReady(Attributes attributes) {
    if (!places.tryAcquire()) {
      // The only way to end a connection here: gRPC closes one whose filter fails.
      throw new IllegalStateException("too many connections to the control port");
    }
    metrics.connections(1);
    return attributes.toBuilder().set(COUNTED, true).build();
  }

  @Override
  public void transportTerminated(@Nullable Attributes attributes) {
    if (attributes != null && attributes.get(COUNTED) != null) {
      places.release();
      metrics.connections(-1);
    }
  }
}
