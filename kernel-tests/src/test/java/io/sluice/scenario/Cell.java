package io.sluice.scenario;

import io.sluice.kernel.LongRun;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Where clients are, and what they call by.
 *
 * @param near whether they are on the node of the servers
 */
record Cell(ScenarioSite site, boolean near, Family family) {
  /** So many a row has that does not ask for each of the four. */
  static final int USUAL = LongRun.ON ? 4 : 2;

  /** A pod of the account that calls. */
  SitePod client(String account) {
    return site.client(account, near);
  }

  /** From 0, for what each cell needs of its own. */
  int number() {
    return site.cells().indexOf(this);
  }

  /** How many cells have its clients: no label tells families apart. */
  long ofItsClients() {
    return site.cells().stream().filter(cell -> cell.near() == near).count();
  }

  /** What the daemon of the clients tells. */
  DaemonView calling() {
    return site.calling(near);
  }

  /** Of a service, or of a pod. */
  InetAddress address(String name) {
    return site.address(name, family);
  }

  InetSocketAddress at(String name, int port) {
    return new InetSocketAddress(address(name), port);
  }

  List<Answer> ask(String account, List<Request> requests) {
    return Curl.ask(client(account), requests, this::address);
  }

  /** One request many times, over one connection unless it is asked to end. */
  List<Answer> ask(String account, Request request, int times) {
    return request.isH2()
        ? Nghttp.ask(client(account), request, times, this::address)
        : ask(account, List.of(request.times(times)));
  }

  @Override
  public String toString() {
    return (near ? "within a node" : "between nodes") + " over " + family;
  }
}
