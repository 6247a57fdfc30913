package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SharedLimit;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SharedLimit.Entry;
import io.sluice.mesh.SharedLimit.HeaderMatch;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads what an UpstreamTrafficSetting says of limits that a rate-limit service counts, each field
 * with OSM's name and default.
 */
final class SharedLimitReader {
  private static final String DESCRIPTORS = "descriptors";
  private static final String SHORTER = "write 1 to " + SharedLimit.MOST_CHARACTERS + " characters";
  private static final String UNKNOWN = "?";

  /** What to write where {@link #server(String, int)} does not like a host. */
  static final String SERVER_MEND = "write a host name or an IP address, without a scheme or port";

  private static final List<String> ENTRIES =
      List.of("genericKey", "remoteAddress", "requestHeader", "headerValueMatch");
  private static final Set<String> OF_THE_REQUEST =
      Set.of(":method", ":path", ":authority", ":scheme");
  private static final List<String> MATCHES =
      List.of("exact", "prefix", "suffix", "regex", "contains", "present");

  private SharedLimitReader() {}

  /** Of connections; nothing after a problem was told. */
  static @Nullable SharedLimit ofConnections(Fields fields) {
    List<Descriptor> descriptors =
        descriptors(fields, entry -> Optional.of(fixed(entry, text(entry, "key"))));
    if (descriptors.isEmpty()) {
      fields.problem(DESCRIPTORS, "there are none", "add one");
    }
    return limit(fields, descriptors);
  }

  /**
   * Of requests; nothing after a problem was told.
   *
   * @param byRoute whether a route says what is counted
   */
  static @Nullable SharedRequestLimit ofRequests(Fields fields, boolean byRoute) {
    List<Descriptor> descriptors = descriptors(fields, SharedLimitReader::entry);
    if (descriptors.isEmpty() && !byRoute) {
      fields.problem(
          DESCRIPTORS,
          "there are none, so that nothing is ever counted",
          "add one, here or to httpRoutes");
    }
    long status = fields.whole("responseStatusCode", "a status", 400, 599).orElse(429L);
    boolean tells = fields.isTrue("enableXRateLimitHeaders");
    SharedLimit limit = limit(fields, descriptors);
    return limit == null ? null : new SharedRequestLimit(limit, (int) status, tells);
  }

  /** Of a route. */
  static List<Descriptor> ofRoute(Fields fields) {
    List<Descriptor> descriptors = descriptors(fields, SharedLimitReader::entry);
    if (descriptors.isEmpty()) {
      fields.problem(DESCRIPTORS, "there are none", "add one, or remove global");
    }
    return descriptors;
  }

  private static @Nullable SharedLimit limit(Fields fields, List<Descriptor> descriptors) {
    NamedServer server =
        fields.requiredObject("rateLimitService").map(SharedLimitReader::server).orElse(null);
    String domain = fields.requiredParsed("domain", SharedLimitReader::text, SHORTER).orElse("");
    long millis =
        fields
            .parsed("timeout", SharedLimitReader::millis, WrittenDuration.GO_MEND)
            .orElse(SharedLimit.DEFAULT_TIMEOUT_MILLIS);
    boolean failOpen = !fields.has("failOpen") || fields.isTrue("failOpen");
    return server == null || domain.isEmpty()
        ? null
        : new SharedLimit(server, domain, descriptors, millis, failOpen);
  }

  private static @Nullable NamedServer server(Fields fields) {
    int port = fields.requiredPort("port");
    if (port == 0) {
      return null;
    }
    return fields.requiredParsed("host", host -> server(host, port), SERVER_MEND).orElse(null);
  }

  /** One that is the same wherever it is asked from. */
  static NamedServer server(String host, int port) {
    NamedServer server = new NamedServer(host, port);
    if (server.isSpecial()) {
      throw new IllegalArgumentException(
          host + " is not asked: it is another server on each node, or none");
    }
    return server;
  }

  /** What a server is waited for. */
  static long millis(String text) {
    long millis = WrittenDuration.parseGo(text).toMillis();
    if (millis < 1 || millis > NamedServer.MOST_TIMEOUT_MILLIS) {
      throw new IllegalArgumentException(text + " is outside 1ms..30s");
    }
    return millis;
  }

  private static String text(String text) {
    if (text.isEmpty() || text.length() > SharedLimit.MOST_CHARACTERS) {
      throw new IllegalArgumentException("it has " + text.length() + " characters");
    }
    return text;
  }

  private static List<Fields> few(Fields fields, String name, int most) {
    List<Fields> written = fields.objects(name);
    if (written.size() > most) {
      fields.problem(name, "there are more than " + most, "write " + most + " at most");
      return written.subList(0, most);
    }
    return written;
  }

  // --- what is counted -----------------------------------------------------------------------

  private static List<Descriptor> descriptors(
      Fields fields, Function<Fields, Optional<? extends Entry>> read) {
    List<Descriptor> descriptors = new ArrayList<>();
    for (Fields descriptor : few(fields, DESCRIPTORS, SharedLimit.MOST_DESCRIPTORS)) {
      List<Entry> entries = new ArrayList<>();
      for (Fields entry : few(descriptor, "entries", SharedLimit.MOST_ENTRIES)) {
        read.apply(entry).ifPresent(entries::add);
      }
      if (!entries.isEmpty()) {
        descriptors.add(new Descriptor(entries));
      } else if (descriptor.objects("entries").isEmpty()) {
        descriptor.problem("entries", "there are none", "add one");
      }
    }
    return descriptors;
  }

  private static Optional<Entry> entry(Fields fields) {
    List<String> kinds = ENTRIES.stream().filter(fields::has).toList();
    if (kinds.size() != 1) {
      fields.problem(
          kinds.isEmpty() ? ENTRIES.getFirst() : kinds.get(1),
          kinds.isEmpty()
              ? "the entry is none of " + ENTRIES
              : "the entry is " + kinds + " at once",
          "write one of them");
      return Optional.empty();
    }
    String kind = kinds.getFirst();
    return fields
        .object(kind)
        .map(one ->
            switch (kind) {
              case "genericKey" -> fixed(one, key(one, Entry.Fixed.DEFAULT_KEY));
              case "remoteAddress" -> new Entry.ClientAddress();
              case "requestHeader" -> new Entry.OfHeader(text(one, "key"), name(one));
              default -> matching(one);
            });
  }

  private static Entry fixed(Fields fields, String key) {
    return new Entry.Fixed(key, text(fields, "value"));
  }

  private static Entry matching(Fields fields) {
    List<HeaderMatch> headers = new ArrayList<>();
    for (Fields header : few(fields, "headers", SharedLimit.MOST_ENTRIES)) {
      headers.add(match(header));
    }
    if (headers.isEmpty()) {
      fields.problem("headers", "there are none", "add one");
      headers.add(new HeaderMatch(UNKNOWN, true, Regex.ANY));
    }
    return new Entry.Matching(
        key(fields, Entry.Matching.DEFAULT_KEY),
        text(fields, "value"),
        !fields.has("expectMatch") || fields.isTrue("expectMatch"),
        headers);
  }

  private static HeaderMatch match(Fields fields) {
    String name = name(fields);
    List<String> kinds = MATCHES.stream().filter(fields::has).toList();
    if (kinds.size() > 1) {
      fields.problem(
          kinds.get(1), "the header is to be " + kinds + " at once", "write one of them");
    }
    String kind = kinds.isEmpty() ? "" : kinds.getFirst();
    if (kind.isEmpty() || kind.equals("present")) { // a header that is only named is to be there
      return new HeaderMatch(name, kind.isEmpty() || fields.isTrue(kind), Regex.ANY);
    }
    return new HeaderMatch(
        name,
        true,
        fields
            .requiredParsed(
                kind, written -> value(kind, written), "write what can be looked for in a header")
            .orElse(Regex.ANY));
  }

  private static Regex value(String kind, String written) {
    String quoted = kind.equals("regex") ? written : Regex.quoted(text(written));
    return Regex.of(
        switch (kind) {
          case "prefix" -> quoted + ".*";
          case "suffix" -> ".*" + quoted;
          case "contains" -> ".*" + quoted + ".*";
          default -> quoted;
        });
  }

  private static String key(Fields fields, String usual) {
    return fields.has("key") ? text(fields, "key") : usual;
  }

  private static String name(Fields fields) {
    return fields
        .requiredParsed("name", SharedLimitReader::header, "write the name of a header")
        .orElse(UNKNOWN);
  }

  /** In lower case, which can be longer than what was written. */
  private static String header(String written) {
    String name = written.toLowerCase(Locale.ROOT);
    if (!OF_THE_REQUEST.contains(name)) {
      FieldChange.requireToken(name);
    }
    return text(name);
  }

  /** Whatever it is after a problem, which makes the object unusable. */
  private static String text(Fields fields, String name) {
    return fields.requiredParsed(name, SharedLimitReader::text, SHORTER).orElse(UNKNOWN);
  }
}
