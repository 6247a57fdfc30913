package io.sluice.proxy.http;

import io.netty.handler.codec.http2.Http2Settings;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.relay.ByteChannel;
import org.jspecify.annotations.Nullable;

/** The side that sends requests. */
final class Http2Client extends Http2Codec {
  /** A connection that is not started. */
  Http2Client(ByteChannel bytes, HttpSetup setup, Listener listener) {
    super(
        false,
        bytes,
        setup,
        new Http2Settings()
            .initialWindowSize(ReceiveWindows.FIRST_OF_STREAM)
            .maxHeaderListSize(setup.limits().maxHeaderBytes())
            .pushEnabled(false),
        listener);
  }

  /** Whether the peer takes another exchange now; {@link Listener#roomMade} tells when it may. */
  boolean canOpen() {
    return !isLeaving() && connection().local().canOpenStream();
  }

  /** An exchange, which begins with its head; null where the peer takes none now. */
  @Nullable HttpStream open() {
    return canOpen() ? new Http2Exchange(this, 0) : null;
  }

  @Override
  void requested(Http2Exchange exchange) {
    throw new IllegalStateException("a server does not ask");
  }
}
