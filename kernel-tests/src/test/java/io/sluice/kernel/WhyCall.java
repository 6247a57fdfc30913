package io.sluice.kernel;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeSettings;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A call that is asked about, and made.
 *
 * @param from pod that calls
 * @param to as a question has it
 * @param method empty for bytes
 */
record WhyCall(String from, String to, String method, String path, Map<String, String> headers) {
  private static final Pattern STATUS = Pattern.compile("(?s)HTTP/1.1 (\\d{3}).*");
  private static final String BYTES = "hi";

  /** What its node says of it. */
  JsonNode ask(Cluster cluster) {
    boolean bytes = method.isEmpty();
    WhyQuestion question =
        new WhyQuestion(
            RandomMesh.namespace(from) + "/" + from,
            to,
            method,
            bytes ? "" : path,
            bytes ? Map.of() : headers);
    String node = cluster.pod(from).place().nodeName();
    try {
      return new AdminClient(NodeSettings.adminSocket(node))
          .ask(new AdminRequest("why", question.toText(), false))
          .getFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What comes of it: a status, {@code arrived} or {@code refused}. */
  String make(Cluster cluster, JsonNode answer) {
    String address = answer.path("destination").path("addresses").path(0).asText();
    int colon = address.lastIndexOf(':');
    return make(
        cluster,
        new InetSocketAddress(
            IpAddresses.parse(address.substring(0, colon)),
            Integer.parseInt(address.substring(colon + 1))));
  }

  /** The same to an address. */
  String make(Cluster cluster, InetSocketAddress called) {
    if (!method.isEmpty()) {
      return status(cluster.pod(from), called);
    }
    Attempt attempt = Attempt.from(cluster.pod(from), called, BYTES);
    return attempt.answer().equals(BYTES)
        ? "arrived"
        : attempt.wasTurnedAway() ? "refused" : attempt.toString();
  }

  /** Waits for the answer before it ends, as clients of HTTP do. */
  private String status(SitePod pod, InetSocketAddress called) {
    try (SocketChannel channel = pod.call(() -> SocketChannel.open(StandardProtocolFamily.INET))) {
      channel.socket().connect(called, (int) Attempt.TIMEOUT.toMillis());
      channel.socket().setSoTimeout((int) Attempt.TIMEOUT.toMillis());
      channel.socket().getOutputStream().write(request().getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(channel.socket().getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      Matcher status = STATUS.matcher(answer);
      return status.matches() ? status.group(1) : "no answer of HTTP: " + answer;
    } catch (SocketTimeoutException e) {
      return "timed out";
    } catch (IOException e) {
      return "refused";
    }
  }

  private String request() {
    StringBuilder text =
        new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: somewhere\r\n");
    headers.forEach((name, value) -> text.append(name + ": " + value + "\r\n"));
    return text.append("Content-Length: 0\r\nConnection: close\r\n\r\n").toString();
  }

  /** What may come of it by the answer. */
  List<String> foretold(JsonNode answer) {
    List<String> ends = new ArrayList<>();
    for (JsonNode way : answer.path("ways")) {
      int status = way.path("status").asInt();
      String verdict = way.path("verdict").asText();
      boolean arrives = verdict.equals("allowed") || verdict.equals("in the clear");
      ends.add(
          arrives
              ? method.isEmpty() ? "arrived" : "200"
              : status == 0 ? "refused" : Integer.toString(status));
    }
    return ends;
  }
}
