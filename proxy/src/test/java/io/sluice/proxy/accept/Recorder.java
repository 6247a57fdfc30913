package io.sluice.proxy.accept;

import io.sluice.await.Await;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.ConnectionListener;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Keeps everything the proxy reports. */
final class Recorder implements ConnectionListener {
  final List<ConnectionInfo> opened = new CopyOnWriteArrayList<>();
  final List<AccessRecord> closed = new CopyOnWriteArrayList<>();
  final List<AccessRecord> refused = new CopyOnWriteArrayList<>();
  final List<RequestRecord> requests = new CopyOnWriteArrayList<>();
  final List<Retried> retried = new CopyOnWriteArrayList<>();
  final AtomicLong sent = new AtomicLong();
  final AtomicLong received = new AtomicLong();

  /** Hears of a request on its event loop. */
  volatile Consumer<RequestRecord> told = _ -> {};

  @Override
  public void opened(ConnectionInfo info) {
    opened.add(info);
  }

  @Override
  public void bytes(ConnectionInfo info, long sentDelta, long receivedDelta) {
    sent.addAndGet(sentDelta);
    received.addAndGet(receivedDelta);
  }

  @Override
  public void closed(AccessRecord record) {
    closed.add(record);
  }

  @Override
  public void request(RequestRecord record) {
    requests.add(record);
    told.accept(record);
  }

  @Override
  public boolean timesAnswers() {
    return true;
  }

  @Override
  public void retried(ConnectionInfo info, List<Retried> events) {
    retried.addAll(events);
  }

  @Override
  public void refused(AccessRecord record) {
    refused.add(record);
  }

  AccessRecord onlyClosed() {
    Await.until("one closed connection", () -> closed.size() == 1);
    return closed.getFirst();
  }

  AccessRecord onlyRefused() {
    Await.until("one refused connection", () -> refused.size() == 1);
    return refused.getFirst();
  }
}
