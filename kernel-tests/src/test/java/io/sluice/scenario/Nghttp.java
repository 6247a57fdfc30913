package io.sluice.scenario;

import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.function.Function;

/** A real client of HTTP/2 in a pod. */
final class Nghttp {
  private Nghttp() {}

  /** What is answered to as many requests at once, streams of one connection. */
  static List<Answer> ask(
      SitePod from, Request request, int times, Function<String, InetAddress> address) {
    URI url = URI.create(request.url());
    InetSocketAddress at = new InetSocketAddress(address.apply(url.getHost()), url.getPort());
    String bodies =
        Commands.run(
            "nsenter",
            "--net=" + from.path(),
            "--",
            "nghttp",
            "--no-dep",
            "--multiply=" + times,
            "--header=:authority: " + url.getAuthority(),
            "http://" + IpAddresses.text(at) + url.getPath());
    return bodies.lines().map(body -> new Answer(body, 200, 0, 0, "")).toList();
  }
}
