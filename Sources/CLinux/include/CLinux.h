#pragma once
#include "CLinuxFileSending.h"
#include "CLinuxListen.h"
#include "CLinuxMemory.h"
#if __has_include("CLinuxFiles.h")
#include "CLinuxFiles.h"
#endif
#if __has_include("CLinuxSockets.h")
#include "CLinuxSockets.h"
#endif
