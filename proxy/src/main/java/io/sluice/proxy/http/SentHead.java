package io.sluice.proxy.http;

import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import java.util.Locale;

/** Writes heads and trailers as lists of fields: names in lower case, pseudo-headers first. */
final class SentHead {
  private static final int PSEUDO_HEADERS = 4;

  private SentHead() {}

  static Http2Headers of(Head head, boolean response) {
    Http2Headers list =
        new DefaultHttp2Headers(false, Math.max(16, head.fields.size() + PSEUDO_HEADERS));
    if (response) {
      list.status(Integer.toString(head.status()));
    } else {
      list.method(head.method()).scheme(head.scheme());
      if (!head.authority().isEmpty()) {
        list.authority(head.authority());
      }
      list.path(head.query().isEmpty() ? head.path() : head.path() + head.query());
      String protocol = head.upgrade;
      if (protocol != null) {
        list.add(Http2Headers.PseudoHeaderName.PROTOCOL.value(), protocol);
      }
    }
    return add(list, head.fields);
  }

  static Http2Headers of(Fields trailers) {
    return add(new DefaultHttp2Headers(false, trailers.size()), trailers);
  }

  private static Http2Headers add(Http2Headers list, Fields fields) {
    for (int i = 0; i < fields.size(); i++) {
      list.add(fields.name(i).toLowerCase(Locale.ROOT), fields.value(i));
    }
    return list;
  }
}
