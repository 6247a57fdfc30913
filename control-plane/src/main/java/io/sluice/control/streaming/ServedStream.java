package io.sluice.control.streaming;

import io.grpc.stub.StreamObserver;

/**
 * The controller's side of one stream: takes what the client sends, and its end. Any thread.
 *
 * @param <Q> requests
 */
public interface ServedStream<Q> extends StreamObserver<Q> {
  /** Looks for something to send, on another thread: there is something new, or room for it. */
  void wake();
}
