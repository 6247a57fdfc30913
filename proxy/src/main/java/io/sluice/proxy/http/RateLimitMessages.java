package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.envoy.auth.HeaderValue;
import io.sluice.api.envoy.ratelimit.RateLimitDescriptor;
import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.api.envoy.ratelimit.RateLimitResponse;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.Code;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.DescriptorStatus;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.RateLimit;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SharedLimit.Entry;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a rate-limit service is asked, and what its answer means. */
final class RateLimitMessages {
  /** The method that is called. */
  static final String PATH = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

  /** Headers that one answer may have added, in each direction. */
  static final int MOST_HEADERS = 64;

  /** Characters of a header's value that is compared or sent. */
  static final int MOST_CHARACTERS = 1_024;

  /** Values that are compared or sent, for all questions about one request. */
  static final int MOST_VALUES = 256;

  private RateLimitMessages() {}

  /** What is asked about: a request, or a connection, which has no head. */
  static final class Asked {
    private final @Nullable Head request;
    private final InetAddress client;
    private int left = MOST_VALUES;

    /** Nothing of it has been read. */
    Asked(@Nullable Head request, InetAddress client) {
      this.request = request;
      this.client = client;
    }

    private @Nullable String header(String name) {
      if (request == null) {
        return null;
      }
      if (--left < 0) {
        throw new IllegalArgumentException("more than " + MOST_VALUES + " values are asked for");
      }
      return switch (name) {
        case ":method" -> request.method();
        case ":path" -> request.path() + request.query();
        case ":authority", "host" -> request.authority();
        case ":scheme" -> request.scheme();
        default -> request.header(name);
      };
    }

    private @Nullable String shortHeader(String name) {
      String value = header(name);
      if (value != null && value.length() > MOST_CHARACTERS) {
        throw new IllegalArgumentException("a header of more than " + MOST_CHARACTERS);
      }
      return value;
    }
  }

  /**
   * What a service says.
   *
   * @param isBeyond whether it is beyond a limit
   * @param request headers that a request gets
   * @param response headers that its answer gets
   * @param content of the answer to what is beyond
   * @param left what is left, as headers; none where nothing is limited
   */
  record Answer(
      boolean isBeyond,
      List<FieldChange> request,
      List<FieldChange> response,
      String content,
      List<FieldChange> left) {}

  /**
   * The question about a request or a connection; null where nothing of it is counted.
   *
   * @throws IllegalArgumentException with why that would be too much work
   */
  static @Nullable RateLimitRequest request(
      String domain, List<Descriptor> descriptors, Asked about) {
    RateLimitRequest.Builder asked = RateLimitRequest.newBuilder().setDomain(domain);
    for (Descriptor descriptor : descriptors) {
      RateLimitDescriptor made = made(descriptor, about);
      if (made != null) {
        asked.addDescriptors(made);
      }
    }
    return asked.getDescriptorsCount() == 0 ? null : asked.build();
  }

  /** Null where an entry has no value: it is not counted then, as in Envoy. */
  private static @Nullable RateLimitDescriptor made(Descriptor descriptor, Asked about) {
    RateLimitDescriptor.Builder made = RateLimitDescriptor.newBuilder();
    for (Entry entry : descriptor.entries()) {
      String value =
          switch (entry) {
            case Entry.Fixed(String _, String fixed) -> fixed;
            case Entry.ClientAddress() -> IpAddresses.text(claimed(about));
            case Entry.OfHeader(String _, String name) -> about.shortHeader(name);
            case Entry.Matching matching -> matches(about, matching) ? matching.value() : null;
          };
      if (value == null) {
        return null;
      }
      made.addEntries(RateLimitDescriptor.Entry.newBuilder().setKey(entry.key()).setValue(value));
    }
    return made.build();
  }

  /** As Envoy has it where no proxy is said to be trusted: the last one. */
  private static InetAddress claimed(Asked about) {
    String forwarded = about.shortHeader("x-forwarded-for");
    if (forwarded == null) {
      return about.client;
    }
    try {
      return IpAddresses.parse(forwarded.substring(forwarded.lastIndexOf(',') + 1).strip());
    } catch (IllegalArgumentException e) {
      return about.client;
    }
  }

  private static boolean matches(Asked about, Entry.Matching matching) {
    return matching.expected()
        == matching.headers().stream()
            .allMatch(match -> {
              boolean compared = match.present() && !match.value().equals(Regex.ANY);
              return match.matches(
                  compared ? about.shortHeader(match.name()) : about.header(match.name()));
            });
  }

  // --- the answer ----------------------------------------------------------------------------

  /**
   * Reads an answer; headers of it that cannot be used, and those of too many, are left out.
   *
   * @throws IllegalArgumentException with why it is no answer
   */
  static Answer answer(ByteString message) {
    RateLimitResponse response;
    try {
      response = RateLimitResponse.parseFrom(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("an answer that is no RateLimitResponse", e);
    }
    Code code = response.getOverallCode();
    if (code != Code.OK && code != Code.OVER_LIMIT) {
      throw new IllegalArgumentException("an answer that says neither OK nor OVER_LIMIT");
    }
    return new Answer(
        code == Code.OVER_LIMIT,
        usable(response.getRequestHeadersToAddList()),
        usable(response.getResponseHeadersToAddList()),
        response.getRawBody().toString(StandardCharsets.UTF_8),
        left(response.getStatusesList()));
  }

  private static List<FieldChange> usable(List<HeaderValue> headers) {
    List<FieldChange> usable = new ArrayList<>();
    for (HeaderValue header : headers) {
      String value = header.getValue();
      try {
        FieldChange change =
            new FieldChange(
                Action.ADD,
                header.getKey(),
                value.isEmpty() ? header.getRawValue().toStringUtf8() : value);
        if (usable.size() < MOST_HEADERS) {
          usable.add(change);
        }
      } catch (IllegalArgumentException e) {
        // What is counted says nothing of it: the answer stands without it.
      }
    }
    return usable;
  }

  /** Of the limit that is nearest, and all of them (draft-polli-ratelimit-headers-03). */
  private static List<FieldChange> left(List<DescriptorStatus> statuses) {
    DescriptorStatus nearest = null;
    StringBuilder limits = new StringBuilder();
    for (DescriptorStatus status : statuses) {
      if (!status.hasCurrentLimit()) {
        continue;
      }
      RateLimit limit = status.getCurrentLimit();
      if (nearest == null || left(status) < left(nearest)) {
        nearest = status;
      }
      long seconds = seconds(limit.getUnit());
      if (seconds > 0) {
        limits.append(", ").append(amount(limit)).append(";w=").append(seconds);
        String name = limit.getName();
        if (!name.isEmpty()) {
          limits.append(";name=\"").append(name).append('"');
        }
      }
    }
    if (nearest == null) {
      return List.of();
    }
    try {
      return List.of(
          told("x-ratelimit-limit", amount(nearest.getCurrentLimit()) + limits.toString()),
          told("x-ratelimit-remaining", Long.toString(left(nearest))),
          told("x-ratelimit-reset", Long.toString(nearest.getDurationUntilReset().getSeconds())));
    } catch (IllegalArgumentException e) {
      return List.of(); // of a name that no header may hold
    }
  }

  private static long left(DescriptorStatus status) {
    return Integer.toUnsignedLong(status.getLimitRemaining());
  }

  private static String amount(RateLimit limit) {
    return Integer.toUnsignedString(limit.getRequestsPerUnit());
  }

  private static FieldChange told(String name, String value) {
    return new FieldChange(Action.ADD, name, value);
  }

  private static long seconds(RateLimit.Unit unit) {
    return switch (unit) {
      case SECOND -> 1;
      case MINUTE -> 60;
      case HOUR -> 3_600;
      case DAY -> 86_400;
      case WEEK -> 604_800;
      case MONTH -> 2_592_000;
      case YEAR -> 31_536_000;
      case UNKNOWN, UNRECOGNIZED -> 0;
    };
  }
}
