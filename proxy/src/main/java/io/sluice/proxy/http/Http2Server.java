package io.sluice.proxy.http;

import io.netty.handler.codec.http2.Http2Settings;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.relay.ByteChannel;
import java.util.function.Consumer;

/** The side that takes requests. Extended CONNECT (RFC 8441) is offered, plain CONNECT refused. */
final class Http2Server extends Http2Codec {
  private final Consumer<HttpStream> requests;

  /**
   * A connection that is not started.
   *
   * @param requests is given each exchange before its head, and calls {@link HttpStream#listen}
   */
  Http2Server(
      ByteChannel bytes, HttpSetup setup, Listener listener, Consumer<HttpStream> requests) {
    super(
        true,
        bytes,
        setup,
        new Http2Settings()
            .initialWindowSize(ReceiveWindows.FIRST_OF_STREAM)
            .maxHeaderListSize(setup.limits().maxHeaderBytes())
            .maxConcurrentStreams(setup.limits().maxConcurrentStreams())
            .connectProtocolEnabled(true),
        listener);
    this.requests = requests;
  }

  @Override
  void requested(Http2Exchange exchange) {
    requests.accept(exchange);
  }
}
