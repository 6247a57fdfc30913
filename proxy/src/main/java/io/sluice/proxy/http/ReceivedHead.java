package io.sluice.proxy.http;

import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One list of fields as HPACK hands it out, field by field, held to every rule of RFC 9113 §8.2 and
 * §8.3. Nothing that breaks one becomes a {@link Head}. Stands in for Netty's own list, which would
 * forget the order; only what the codec asks of it is answered.
 */
final class ReceivedHead extends DefaultHttp2Headers {
  private static final String METHOD = ":method";
  private static final String SCHEME = ":scheme";
  private static final String AUTHORITY = ":authority";
  private static final String PATH = ":path";
  private static final String STATUS = ":status";
  private static final String PROTOCOL = ":protocol";

  private final HttpLimits limits;
  private final Fields fields = new Fields();
  private @Nullable String method;
  private @Nullable String scheme;
  private @Nullable String authority;
  private @Nullable String path;
  private @Nullable String status;
  private @Nullable String protocol;
  private @Nullable String fault;
  private boolean tooMany;

  ReceivedHead(HttpLimits limits) {
    super(false, 2);
    this.limits = limits;
  }

  @Override
  public Http2Headers add(CharSequence name, CharSequence value) {
    line(name.toString(), value.toString());
    return this;
  }

  private void line(String name, String value) {
    if (fault != null) {
      return;
    }
    if (!Octets.isValue(value)) {
      fault = "a value with characters that are not allowed";
    } else if (!name.isEmpty() && name.charAt(0) == ':') {
      pseudo(name, value);
    } else if (!Octets.isLowerCaseName(name)) {
      fault = "a name with characters that are not allowed";
    } else if (HopByHop.isOfConnection(name, value)) {
      fault = "a field that belongs to a connection";
    } else if (fields.size() >= limits.maxFields()) {
      tooMany = true;
    } else {
      fields.add(name, value);
    }
  }

  private void pseudo(String name, String value) {
    if (fields.size() > 0 || tooMany) {
      fault = "a pseudo-header behind a field";
      return;
    }
    String before =
        switch (name) {
          case METHOD -> method;
          case SCHEME -> scheme;
          case AUTHORITY -> authority;
          case PATH -> path;
          case STATUS -> status;
          case PROTOCOL -> protocol;
          default -> name;
        };
    if (before != null) {
      fault = "a pseudo-header that is unknown or there twice";
      return;
    }
    switch (name) {
      case METHOD -> method = value;
      case SCHEME -> scheme = value;
      case AUTHORITY -> authority = value;
      case PATH -> path = value;
      case STATUS -> status = value;
      default -> protocol = value;
    }
  }

  /** What the codec asks of a response, to tell an interim one. */
  @Override
  public @Nullable CharSequence status() {
    return status;
  }

  /** The codec would judge the content's length, and knows nothing of HEAD. */
  @Override
  public List<CharSequence> getAll(CharSequence name) {
    return List.of();
  }

  /** Why it is malformed, as far as a list of fields alone tells; null where it is not. */
  @Nullable String fault() {
    return fault;
  }

  /** The status that answers a request beyond a limit; 0 where it keeps them. */
  int refusal() {
    if (tooMany) {
      return 431;
    }
    int line = length(method) + length(scheme) + length(authority) + length(path);
    return line > limits.maxRequestLine() ? 414 : 0;
  }

  private static int length(@Nullable String text) {
    return text == null ? 0 : text.length();
  }

  /** The request; null where it is malformed. */
  @Nullable Head request(boolean last) {
    String asked = method;
    String how = scheme;
    String what = path;
    if (fault != null
        || asked == null
        || !Octets.isToken(asked)
        || how == null
        || !(how.equals("http") || how.equals("https"))
        || what == null
        || status != null
        || asked.equals("CONNECT") != (protocol != null)
        || !RequestTarget.isTarget(what, asked)) {
      return null;
    }
    String whom = whom();
    long length = contentLength();
    if (whom == null || length < Head.UNKNOWN_LENGTH || last && length > 0) {
      return null;
    }
    int mark = what.indexOf('?');
    Head head =
        Head.request(
            asked,
            how,
            whom,
            mark < 0 ? what : what.substring(0, mark),
            mark < 0 ? "" : what.substring(mark),
            fields);
    head.upgrade = protocol;
    head.contentLength = last ? 0 : length;
    return head;
  }

  /** {@code :authority} and {@code Host}, which have to agree where both are there. */
  private @Nullable String whom() {
    String host = fields.first("host");
    String whom = authority == null ? host : authority;
    if (whom == null
        || !Octets.isAuthority(whom)
        || fields.count("host") > 1
        || host != null && !host.equalsIgnoreCase(whom)) {
      return null;
    }
    fields.remove("host");
    return whom;
  }

  /** Octets to come; {@link Head#UNKNOWN_LENGTH} without, and less where it is malformed. */
  private long contentLength() {
    String text = fields.first("content-length");
    if (text == null) {
      return Head.UNKNOWN_LENGTH;
    }
    boolean one = fields.count("content-length") == 1;
    return one ? Octets.length(text) : Head.UNKNOWN_LENGTH - 1;
  }

  /**
   * The response, or an interim one; null where it is malformed.
   *
   * @param asked method of the request
   */
  @Nullable Head response(String asked, boolean last) {
    String code = status;
    if (fault != null
        || tooMany
        || code == null
        || method != null
        || scheme != null
        || authority != null
        || path != null
        || protocol != null) {
      return null;
    }
    int number = number(code);
    long length = contentLength();
    boolean interim = number < 200;
    if (number < 100
        || number > 599 // RFC 9110 §15: as of HTTP/1
        || number == 101
        || interim && last
        || length < Head.UNKNOWN_LENGTH
        || last && length > 0 && hasContent(asked, number)) {
      return null;
    }
    Head head = Head.response(number, fields);
    head.contentLength = interim ? Head.UNKNOWN_LENGTH : last ? 0 : length;
    if (!interim && !hasContent(asked, number)) {
      head.contentLength = 0;
    }
    return head;
  }

  /** Three digits; 0 where they are something else. */
  private static int number(String status) {
    return status.length() == 3 ? (int) Math.max(0, Octets.length(status)) : 0;
  }

  /** Whether a response to that method, with that status, may have content (RFC 9110 §6.4.1). */
  private static boolean hasContent(String asked, int status) {
    return !asked.equals("HEAD") && status != 204 && status != 304;
  }

  /** The trailers; null where they are malformed. */
  @Nullable Fields trailers() {
    boolean pseudo =
        method != null
            || scheme != null
            || authority != null
            || path != null
            || status != null
            || protocol != null;
    return fault != null || tooMany || pseudo || HopByHop.hasForbidden(fields) ? null : fields;
  }
}
