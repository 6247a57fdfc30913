package io.sluice.node.fastpath;

import io.sluice.interception.maps.FastCountsValue;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;

/** Told of connections that the kernel leads. */
public interface FastPathListener {
  /** So many more were opened and closed, and so many more bytes carried, as one end counts it. */
  void counted(ConnectionInfo info, FastCountsValue more);

  /** One is over, as one end tells it. */
  void closed(AccessRecord record);
}
