package io.sluice.node.identity.control;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The stream of what this node needs. One thread reads and answers; any may close. A response is
 * asked for when the one before was handled, so that at most one waits here.
 */
public final class ResourceStream implements AutoCloseable {
  /** What has come: a response, or the end. */
  private record Event(
      @Nullable DeltaDiscoveryResponse response, @Nullable StatusRuntimeException end) {}

  private final Function<StatusRuntimeException, ControlFailure> failures;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>(); // two at most
  private final Observer observer = new Observer();
  private boolean handled;
  private volatile boolean closed;

  /**
   * @param failures what an end means
   */
  ResourceStream(Function<StatusRuntimeException, ControlFailure> failures) {
    this.failures = failures;
  }

  ClientResponseObserver<DeltaDiscoveryRequest, DeltaDiscoveryResponse> observer() {
    return observer;
  }

  /** Sends what is held, or an answer. */
  public void send(DeltaDiscoveryRequest request) {
    observer.out().onNext(request);
  }

  /**
   * Waits for the next response.
   *
   * @param patience empty when none has come until then
   * @throws ControlFailure when there is none any more
   */
  public Optional<DeltaDiscoveryResponse> next(Duration patience) throws InterruptedException {
    if (handled) {
      observer.out().request(1);
      handled = false;
    }
    Event event = events.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
    if (event == null) {
      return Optional.empty();
    }
    handled = true;
    DeltaDiscoveryResponse response = event.response();
    StatusRuntimeException end = event.end();
    if (response != null) {
      return Optional.of(response);
    }
    if (closed) { // its connection is well, and others use it
      throw new ControlFailure(ControlFailure.Reason.ENDED, "this node ended the stream");
    }
    throw failures.apply(end == null ? Status.UNKNOWN.asRuntimeException() : end);
  }

  /** Ends it; who reads learns of it. */
  @Override
  public void close() {
    closed = true;
    observer.out().cancel("this node ends the stream", null);
  }

  private final class Observer
      implements ClientResponseObserver<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
    private volatile @Nullable ClientCallStreamObserver<DeltaDiscoveryRequest> out;

    @Override
    public void beforeStart(ClientCallStreamObserver<DeltaDiscoveryRequest> stream) {
      stream.disableAutoRequestWithInitial(1);
      out = stream;
    }

    ClientCallStreamObserver<DeltaDiscoveryRequest> out() {
      ClientCallStreamObserver<DeltaDiscoveryRequest> stream = out;
      if (stream == null) {
        throw new IllegalStateException("the stream was not begun");
      }
      return stream;
    }

    @Override
    public void onNext(DeltaDiscoveryResponse response) {
      events.add(new Event(response, null));
    }

    @Override
    public void onError(Throwable failure) {
      Status status = Status.fromThrowable(failure);
      events.add(
          new Event(
              null,
              failure instanceof StatusRuntimeException known
                  ? known
                  : status.asRuntimeException()));
    }

    @Override
    public void onCompleted() {
      events.add(
          new Event(
              null,
              Status.UNAVAILABLE
                  .withDescription("the controller ended the stream")
                  .asRuntimeException()));
    }
  }
}
