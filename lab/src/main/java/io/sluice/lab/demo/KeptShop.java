package io.sluice.lab.demo;

import io.sluice.cli.dashboard.Dashboard;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/** What goes on in a demo that was kept: servers, customers, and the page that shows both. */
final class KeptShop {
  private static final long PAUSE_MILLIS = 200;

  /** Purchases for each call of the warehouse, and for each try of the thief. */
  private static final int WAREHOUSE_EVERY = 5;

  private static final int THIEF_EVERY = 25;

  private KeptShop() {}

  /** Until this process is ended. */
  static void run(DemoPlan plan) throws IOException, InterruptedException {
    InetSocketAddress books = DemoPlan.books(IpFamily.IPV4, DemoPlan.BOOKS_PORT);
    try (DemoShop shop = DemoShop.open(plan);
        Dashboard page = page(plan)) {
      tell(page.url(), plan.page());
      for (int purchase = 0; ; purchase++) {
        shop.getOnce(DemoPod.BUYER, books, Purchases.BUY);
        if (purchase % WAREHOUSE_EVERY == 0) {
          shop.call(DemoPod.STORE_V1, DemoPlan.warehouseService(IpFamily.IPV4));
        }
        if (purchase % THIEF_EVERY == 0) {
          shop.getOnce(DemoPod.THIEF, books, Purchases.BUY);
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    }
  }

  private static Dashboard page(DemoPlan plan) {
    InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    String node = plan.nodes() == 1 ? plan.node() : plan.several().getFirst().name();
    return Dashboard.start(
        anyPort,
        node,
        NodeSettings.adminSocket(node),
        plan.nodes() == 1 ? Optional.empty() : Optional.of(new NodesPlan(plan).mesh()));
  }

  /** All of it at once, and to root alone: it has the page's token. */
  private static void tell(String url, Path file) throws IOException {
    Path unfinished = file.resolveSibling("page.new");
    Files.createFile(
        unfinished,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(unfinished, url);
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
