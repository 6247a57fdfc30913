package io.sluice.scenario;

import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/** A real client in a pod. */
final class Curl {
  /** Ends the output of each transfer. */
  private static final Pattern END = Pattern.compile("(?s)(.*?)\n@@(\\d+) (\\d+) (\\d+) ?(\\d*)\n");

  private static final String FORMAT =
      "\\n@@%{http_code} %{exitcode} %{num_connects} %header{grpc-status}\\n";

  private static final int LOAD_PER_SECOND = 100;

  private Curl() {}

  /**
   * What is answered to the requests, in their order; those of one host go over one connection.
   *
   * @param address of a host of the URLs
   */
  static List<Answer> ask(
      SitePod from, List<Request> requests, Function<String, InetAddress> address) {
    List<Answer> answers = new ArrayList<>();
    for (int begin = 0, end = 1; begin < requests.size(); begin = end++) {
      // Of curl 7.88 (Debian 12) no second request of HTTP/2 by prior knowledge gets out.
      while (end < requests.size() && !requests.get(end - 1).isH2() && !requests.get(end).isH2()) {
        end++;
      }
      answers.addAll(transfer(from, requests.subList(begin, end), address));
    }
    return answers;
  }

  private static List<Answer> transfer(
      SitePod from, List<Request> requests, Function<String, InetAddress> address) {
    StringBuilder configuration = new StringBuilder();
    for (Request request : requests) {
      configuration
          .append(configuration.isEmpty() ? "" : "next\n")
          .append("silent\nmax-time = 30\nwrite-out = \"" + FORMAT + "\"\n")
          .append(configuration(request, address));
    }
    try {
      Process curl =
          new ProcessBuilder(inside(from, "curl", "--disable", "--config", "-"))
              .redirectErrorStream(true)
              .start();
      try (var in = curl.getOutputStream()) {
        in.write(configuration.toString().getBytes(StandardCharsets.UTF_8));
      }
      String output = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return END.matcher(output)
          .results()
          .map(end ->
              new Answer(
                  end.group(1),
                  Integer.parseInt(end.group(2)),
                  Integer.parseInt(end.group(3)),
                  Integer.parseInt(end.group(4)),
                  end.group(5)))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot call from " + from.name(), e);
    }
  }

  private static String configuration(Request request, Function<String, InetAddress> address) {
    URI url = URI.create(request.url().replaceAll("\\[.*]", ""));
    int port = url.getPort() > 0 ? url.getPort() : url.getScheme().equals("https") ? 443 : 80;
    InetAddress at = address.apply(url.getHost());
    String ip = IpAddresses.text(at);
    return "url = \"%s\"\nresolve = \"%s:%d:%s\"\n%s\n"
        .formatted(
            request.url(),
            url.getHost(),
            port,
            Family.of(at) == Family.IPV6 ? "[" + ip + "]" : ip,
            String.join("\n", request.options()));
  }

  private static List<String> inside(SitePod pod, String... command) {
    List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + pod.path(), "--"));
    words.addAll(List.of(command));
    return words;
  }

  /** Calls a hundred times a second until it is ended; {@code record} has a line for each. */
  static Process load(
      SitePod from, Request request, Function<String, InetAddress> address, Path record) {
    try {
      Path configuration = Files.createTempFile(record.getParent(), "load", ".curl");
      Files.writeString(
          configuration,
          "silent\nmax-time = 30\nrate = %d/s\noutput = /dev/null\n".formatted(LOAD_PER_SECOND)
              + "write-out = \"%{stderr}%{http_code} %{exitcode} %{errormsg}\\n\"\n"
              + configuration(request.times(1_000_000), address));
      return new ProcessBuilder(
              inside(from, "curl", "--disable", "--config", configuration.toString()))
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(record.toFile())
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot call from " + from.name(), e);
    }
  }
}
