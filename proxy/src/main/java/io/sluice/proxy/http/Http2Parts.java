package io.sluice.proxy.http;

import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.DefaultHttp2ConnectionDecoder;
import io.netty.handler.codec.http2.DefaultHttp2ConnectionEncoder;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.DefaultHttp2FrameWriter;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.DefaultHttp2LocalFlowController;
import io.netty.handler.codec.http2.DefaultHttp2RemoteFlowController;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2PromisedRequestVerifier;

/**
 * Netty's codec, from what it offers: streams take turns, the connection's window is given back as
 * content comes, and lists of fields are {@link ReceivedHead}s, which judge themselves.
 *
 * @param key of a stream's {@link Http2Exchange}
 */
record Http2Parts(
    Http2ConnectionDecoder decoder,
    Http2ConnectionEncoder encoder,
    Http2Connection.PropertyKey key) {
  private static final int MAX_SMALL_CONTINUATIONS = 8;
  private static final float WINDOW_UPDATE_RATIO = 0.5f;

  static Http2Parts of(boolean server, HttpLimits limits) {
    var connection = new DefaultHttp2Connection(server, 0);
    Http2Connection.PropertyKey key = connection.newKey();
    connection
        .remote()
        .flowController(
            new DefaultHttp2RemoteFlowController(connection, new StreamBacklogs(connection, key)));
    connection
        .local()
        .flowController(new DefaultHttp2LocalFlowController(connection, WINDOW_UPDATE_RATIO, true));
    var encoder = new DefaultHttp2ConnectionEncoder(connection, new DefaultHttp2FrameWriter());
    var headers =
        new DefaultHttp2HeadersDecoder(false, limits.maxHeaderBytes()) {
          @Override
          protected Http2Headers newHeaders() {
            return new ReceivedHead(limits);
          }
        };
    var decoder =
        new DefaultHttp2ConnectionDecoder(
            connection,
            encoder,
            new DefaultHttp2FrameReader(headers, MAX_SMALL_CONTINUATIONS),
            Http2PromisedRequestVerifier.ALWAYS_VERIFY,
            true,
            true,
            false,
            false);
    return new Http2Parts(decoder, encoder, key);
  }
}
