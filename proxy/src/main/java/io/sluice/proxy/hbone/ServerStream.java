package io.sluice.proxy.hbone;

import io.netty.handler.codec.http2.Http2Headers;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From a request's headers to the one who answers it. Event loop of the connection. */
final class ServerStream implements HboneStream.Opener {
  private final HboneSettings settings;
  private final HboneServer.Requests requests;
  private @Nullable HboneExchange exchange;

  ServerStream(HboneSettings settings, HboneServer.Requests requests) {
    this.settings = settings;
    this.requests = requests;
  }

  @Override
  public void headers(HboneStream stream, Http2Headers headers) {
    CharSequence method = headers.method();
    if (headers.size() > settings.limits().maxHeaders()) {
      HboneExchange.answer(stream, HboneStatus.HEADERS_TOO_MANY);
    } else if (method == null || !"CONNECT".contentEquals(method)) {
      HboneExchange.answer(stream, HboneStatus.METHOD_NOT_ALLOWED);
    } else {
      Optional<HboneRequest> request = HboneRequest.parse(headers);
      if (request.isEmpty()) {
        HboneExchange.answer(stream, HboneStatus.MALFORMED);
      } else {
        ask(stream, request.get());
      }
    }
  }

  private void ask(HboneStream stream, HboneRequest request) {
    HboneExchange asked = new HboneExchange(stream, request);
    exchange = asked;
    asked.expectAnswerWithin(settings.times().answer());
    try {
      requests.connect(asked);
    } catch (RuntimeException e) {
      asked.refuse(HboneStatus.INTERNAL_ERROR);
      stream.failed(e);
    }
  }

  @Override
  public void closed(ChannelEnd end) {
    if (exchange != null) {
      exchange.gone(end);
    }
  }
}
