package io.sluice.mesh;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A limit of what arrives at the pods of a service that others count, for all nodes together: by
 * Envoy's protocol of rate limits over gRPC.
 *
 * @param server who counts
 * @param domain whose limits are meant, in the server's own words
 * @param descriptors what is counted, each for itself
 * @param timeoutMillis for how long an answer is waited for
 * @param failOpen whether what nobody has answered for goes on
 */
public record SharedLimit(
    NamedServer server,
    String domain,
    List<Descriptor> descriptors,
    long timeoutMillis,
    boolean failOpen) {
  /** Of {@link #timeoutMillis}, where nothing is said. */
  public static final long DEFAULT_TIMEOUT_MILLIS = 20;

  /** Of one limit, and of one route. */
  public static final int MOST_DESCRIPTORS = 32;

  /** Of one descriptor, and headers of one entry. */
  public static final int MOST_ENTRIES = 16;

  /** Characters of a domain, key or value that is written. */
  public static final int MOST_CHARACTERS = 256;

  public SharedLimit {
    requireText("domain", domain);
    NamedServer.requireTimeout(timeoutMillis);
    descriptors = requireFew("descriptors", descriptors, MOST_DESCRIPTORS);
  }

  /** What is counted together: all that has the same entries. */
  public record Descriptor(List<Entry> entries) {
    public Descriptor {
      entries = requireFew("entries", entries, MOST_ENTRIES);
      if (entries.isEmpty()) {
        throw new IllegalArgumentException("a descriptor has no entries");
      }
    }
  }

  /** One key, and what its value is for a request or a connection. */
  public sealed interface Entry {
    /** In the server's own words. */
    String key();

    /** Always the same. */
    record Fixed(String key, String value) implements Entry {
      /** Of OSM, where nothing is said. */
      public static final String DEFAULT_KEY = "generic_key";

      public Fixed {
        requireText("key", key);
        requireText("value", value);
      }
    }

    /** The client's IP address. */
    record ClientAddress() implements Entry {
      @Override
      public String key() {
        return "remote_address";
      }
    }

    /** A header's value; nothing is counted for a request without it. */
    record OfHeader(String key, String name) implements Entry {
      public OfHeader {
        requireText("key", key);
        requireText("name", name);
      }
    }

    /**
     * Always the same, and nothing is counted for other requests.
     *
     * @param expected whether it is for requests that have all of {@code headers}, or for others
     */
    record Matching(String key, String value, boolean expected, List<HeaderMatch> headers)
        implements Entry {
      /** Of OSM, where nothing is said. */
      public static final String DEFAULT_KEY = "header_match";

      public Matching {
        requireText("key", key);
        requireText("value", value);
        headers = requireFew("headers", headers, MOST_ENTRIES);
        if (headers.isEmpty()) {
          throw new IllegalArgumentException("no headers are to match");
        }
      }
    }
  }

  /**
   * A header as it is to be.
   *
   * @param present whether it has to be there, or may not be
   * @param value of it, all values as one list, where it has to be there
   */
  public record HeaderMatch(String name, boolean present, Regex value) {
    public HeaderMatch {
      requireText("name", name);
    }

    /** Whether a header of that value is as it is to be; null: there is none. */
    public boolean matches(@Nullable String found) {
      return found == null ? !present : present && value.matches(found);
    }
  }

  private static void requireText(String what, String text) {
    if (text.isEmpty() || text.length() > MOST_CHARACTERS) {
      throw new IllegalArgumentException(
          what + " has " + text.length() + " characters, outside 1.." + MOST_CHARACTERS);
    }
  }

  private static <T> List<T> requireFew(String what, List<T> all, int most) {
    if (all.size() > most) {
      throw new IllegalArgumentException("there are more than " + most + " " + what);
    }
    return List.copyOf(all);
  }
}
