/* SPDX-License-Identifier: Apache-2.0 */
/** @file fhirstore.h  Includes every public header of libfhirstore. */
#ifndef FHIRSTORE_FHIRSTORE_H
#define FHIRSTORE_FHIRSTORE_H

#include "access.h"
#include "audit.h"
#include "backup.h"
#include "buf.h"
#include "bulk.h"
#include "error.h"
#include "fhirpath.h"
#include "inspect.h"
#include "iot.h"
#include "journal.h"
#include "keys.h"
#include "maintain.h"
#include "operation.h"
#include "platform.h"
#include "request.h"
#include "resource.h"
#include "search.h"
#include "session.h"
#include "shred.h"
#include "status.h"
#include "store.h"

#endif
