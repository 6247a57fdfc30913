package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import io.sluice.api.envoy.auth.AttributeContext;
import io.sluice.api.envoy.auth.CheckRequest;
import io.sluice.api.envoy.auth.CheckResponse;
import io.sluice.api.envoy.auth.DeniedHttpResponse;
import io.sluice.api.envoy.auth.HeaderValueOption;
import io.sluice.api.envoy.auth.OkHttpResponse;
import io.sluice.api.envoy.core.Address;
import io.sluice.api.envoy.core.SocketAddress;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SpiffeId;
import io.sluice.proxy.decide.Subject;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What an authoriser is asked about a request, and what its answer means. */
final class AuthorizationMessages {
  /** The method that is called. */
  static final String PATH = "/envoy.service.auth.v3.Authorization/Check";

  /** Changes that one answer may ask for. */
  static final int MOST_CHANGES = 64;

  private static final int FORBIDDEN = 403;

  private AuthorizationMessages() {}

  /** What an authoriser says. */
  sealed interface Answer {
    /** The request goes on, so changed; so does its answer. */
    record Granted(HttpFilters changes) implements Answer {}

    /** It is answered by this. */
    record Denied(int status, List<FieldChange> headers, String content) implements Answer {}
  }

  /**
   * A request as it is to be judged, without its content.
   *
   * @param called where it was sent
   */
  static CheckRequest request(
      Head request, Subject subject, InetSocketAddress called, String version) {
    AttributeContext.HttpRequest.Builder http =
        AttributeContext.HttpRequest.newBuilder()
            .setMethod(request.method())
            .setPath(request.path() + request.query())
            .setHost(request.authority())
            .setScheme(request.scheme())
            .setSize(request.contentLength)
            .setProtocol(version);
    http.putAllHeaders(headers(request));
    Fields fields = request.fields;
    String id = fields.first("x-request-id");
    if (id != null) {
      http.setId(id);
    }
    Instant now = Instant.now();
    return CheckRequest.newBuilder()
        .setAttributes(
            AttributeContext.newBuilder()
                .setSource(peer(subject.client(), subject.callerOrNull()))
                .setDestination(peer(called, subject.calledOrNull()))
                .setRequest(
                    AttributeContext.Request.newBuilder()
                        .setTime(
                            Timestamp.newBuilder()
                                .setSeconds(now.getEpochSecond())
                                .setNanos(now.getNano()))
                        .setHttp(http)))
        .build();
  }

  private static Map<String, String> headers(Head request) {
    Map<String, String> headers = new HashMap<>();
    headers.put(":method", request.method());
    headers.put(":path", request.path() + request.query());
    headers.put(":authority", request.authority());
    headers.put(":scheme", request.scheme());
    for (int i = 0; i < request.fields.size(); i++) {
      String name = request.fields.name(i).toLowerCase(Locale.ROOT);
      String between = name.equals("cookie") ? "; " : ","; // RFC 9113 §8.2.3
      headers.merge(name, request.fields.value(i), (one, other) -> one + between + other);
    }
    return headers;
  }

  private static AttributeContext.Peer peer(
      InetSocketAddress address, @Nullable SpiffeId identityOrNull) {
    AttributeContext.Peer.Builder peer =
        AttributeContext.Peer.newBuilder()
            .setAddress(
                Address.newBuilder()
                    .setSocketAddress(
                        SocketAddress.newBuilder()
                            .setAddress(IpAddresses.text(address.getAddress()))
                            .setPortValue(address.getPort())));
    if (identityOrNull != null) {
      peer.setPrincipal(identityOrNull.toString());
    }
    return peer.build();
  }

  /**
   * Reads an answer. What a denial says that cannot be used is left out of it; a grant that cannot
   * be followed is none.
   *
   * @throws IllegalArgumentException with why it is no answer
   */
  static Answer answer(ByteString message) {
    CheckResponse response;
    try {
      response = CheckResponse.parseFrom(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("an answer that is no CheckResponse", e);
    }
    if (response.getStatus().getCode() != 0) {
      return denied(response.getDeniedResponse());
    }
    if (response.hasDeniedResponse()) {
      throw new IllegalArgumentException("an answer that both grants and denies");
    }
    OkHttpResponse ok = response.getOkResponse();
    if (ok.getHeadersCount() + ok.getHeadersToRemoveCount() + ok.getResponseHeadersToAddCount()
        > MOST_CHANGES) {
      throw new IllegalArgumentException("an answer with more than " + MOST_CHANGES + " changes");
    }
    List<FieldChange> changes = new ArrayList<>();
    for (String name : ok.getHeadersToRemoveList()) {
      FieldChange removal = removal(name);
      if (removal != null) {
        changes.add(removal);
      }
    }
    ok.getHeadersList().forEach(header -> changes.add(change(header)));
    return new Answer.Granted(
        new HttpFilters(
            changes,
            ok.getResponseHeadersToAddList().stream().map(AuthorizationMessages::change).toList(),
            null,
            List.of()));
  }

  private static Answer denied(DeniedHttpResponse told) {
    int code = told.getStatus().getCode();
    List<FieldChange> headers = new ArrayList<>();
    for (HeaderValueOption header : told.getHeadersList()) {
      try {
        FieldChange change = change(header);
        if (headers.size() < MOST_CHANGES) {
          headers.add(change);
        }
      } catch (IllegalArgumentException e) {
        // It stays denied, without a header that would frame the answer or cannot be sent.
      }
    }
    return new Answer.Denied(
        code >= 200 && code <= 599 ? code : FORBIDDEN, headers, told.getBody());
  }

  /** As Envoy has it: what is not to be appended takes the place of what is there. */
  private static FieldChange change(HeaderValueOption option) {
    String raw = option.getHeader().getRawValue().toStringUtf8();
    String value = option.getHeader().getValue();
    return new FieldChange(
        option.getAppend().getValue() ? Action.ADD : Action.SET,
        option.getHeader().getKey(),
        value.isEmpty() ? raw : value);
  }

  /** Null where it may not be taken out: a message would be another one without it. */
  private static @Nullable FieldChange removal(String name) {
    try {
      return new FieldChange(Action.REMOVE, name, "");
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
