#pragma once

// All of rustorch::optim.
#include "rustorch/optim/adagrad.h"
#include "rustorch/optim/adam.h"
#include "rustorch/optim/optimizer.h"
#include "rustorch/optim/rmsprop.h"
#include "rustorch/optim/scheduler.h"
#include "rustorch/optim/schedules.h"
#include "rustorch/optim/sgd.h"
